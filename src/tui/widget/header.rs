//! The top line: where you are, and how the machine is.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Modifier;

use super::gauge::Gauge;
use crate::tui::action::Place;
use crate::tui::number;
use crate::tui::pictures::stage::Stage;
use crate::tui::screen::{Click, DrawContext, ScreenId, View};
use crate::tui::text;
use crate::tui::theme::Role;
use crate::tui::world::Machine;

/// What the machine's numbers take at least.
const MACHINE: u16 = 28;
/// From here on the program's name stands before the tabs.
const NAMED: u16 = 92;

/// Draws it.
pub fn draw(
    screen: ScreenId,
    machine: Option<Machine>,
    readonly: bool,
    context: &DrawContext<'_>,
    area: Rect,
    buf: &mut Buffer,
    view: &mut View,
) {
    let mut x = area.x + 1;
    let mut put = |buf: &mut Buffer, words: &str, role: Role, modifier: Modifier| {
        let width = (text::width(words) as u16).min(area.right().saturating_sub(x));
        let style = context.style(role).add_modifier(modifier);
        buf.set_stringn(x, area.y, words, width.into(), style);
        x += width;
    };
    let name = if area.width < NAMED { "" } else { "glassbox   " };
    put(buf, name, Role::Muted, Modifier::empty());
    let mut tabs = Vec::new();
    for id in ScreenId::ALL {
        let key = context.key(id.action(), Place::Global);
        let label = format!("{key} {}", id.title());
        tabs.push((id, text::width(&label) as u16));
        // Not by colour alone: the tab you are on is underlined, too.
        let (role, modifier) = if id == screen {
            (Role::Accent, Modifier::BOLD.union(Modifier::UNDERLINED))
        } else {
            (Role::Text, Modifier::empty())
        };
        put(buf, &label, role, modifier);
        put(buf, "  ", Role::Text, Modifier::empty());
    }
    if readonly {
        put(buf, " read-only", Role::Warning, Modifier::empty());
    }
    let mut at = area.x + 1 + text::width(name) as u16;
    for (id, width) in tabs {
        let tab = Rect { x: at, width, ..area }.intersection(area);
        view.clickable(tab, Click::Do(id.action()));
        at += width + 2;
    }
    let left = Rect { x: (x + 2).min(area.right()), ..area };
    let mut room = Rect { width: area.right().saturating_sub(left.x + 1), ..left };
    // How pictures are drawn, where the machine's numbers still fit beside it.
    if let Some(status) = context.stage.and_then(Stage::status).filter(|_| context.pictures) {
        let name = status.protocol.name();
        let width = text::width(name) as u16;
        if room.width >= width + MACHINE {
            let style = context.style(Role::Muted);
            buf.set_stringn(room.right() - width, area.y, name, width.into(), style);
            room.width -= width + 2;
        }
    }
    if let Some(machine) = machine {
        draw_machine(machine, context, room, buf);
    }
}

fn draw_machine(machine: Machine, context: &DrawContext<'_>, area: Rect, buf: &mut Buffer) {
    let used = number::bytes(machine.memory_bytes as f64);
    let total = number::bytes(machine.memory_total_bytes as f64);
    // The unit once, if it is the same.
    let memory = match (used.split_once(' '), total.split_once(' ')) {
        (Some((used, a)), Some((total, b))) if a == b => format!("{used:>5}/{total} {a}"),
        _ => format!("{used}/{total}"),
    };
    let percent = format!("{:3.0} %", (machine.cpu * 100.0).clamp(0.0, 100.0));
    let number = format!("{percent}  {memory}");
    let number_width = text::width(&number) as u16;
    let short = 4 + number_width;
    if area.width < short {
        // How busy it is has its place beside the tabs on the smallest screen, too.
        let words = format!("cpu {percent}");
        let width = text::width(&words) as u16;
        if area.width >= width {
            let style = context.style(Role::Muted);
            buf.set_stringn(area.right() - width, area.y, words, width.into(), style);
        }
        return;
    }
    // Ten cells of bar where there is room for them.
    let long = short + 13;
    let width = if area.width >= long { long } else { short };
    let gauge = Gauge {
        label: "cpu",
        value: machine.cpu,
        number: &number,
        role: Role::Accent,
        label_width: 3,
        number_width,
        ascii: context.glyphs.is_ascii(),
        theme: context.theme,
    };
    gauge.draw(Rect { x: area.right() - width, width, ..area }, buf);
}
