//! Notices in the lower right corner, newest at the bottom.

use std::collections::VecDeque;

use ratatui::buffer::Buffer;
use ratatui::layout::{Margin, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, BorderType, Clear, Widget};

use crate::tui::message::{Notice, Severity};
use crate::tui::screen::DrawContext;
use crate::tui::text;
use crate::tui::theme::Role;

/// An error may need room; more than this is for the log.
const MOST_LINES: usize = 8;

/// Draws them over `area`, inside the frames that end at its edges.
pub fn draw(toasts: &VecDeque<Notice>, context: &DrawContext<'_>, area: Rect, buf: &mut Buffer) {
    let area = area.inner(Margin::new(1, 1));
    let mut bottom = area.bottom();
    for toast in toasts.iter().rev() {
        let most = 64.min(usize::from(area.width.saturating_sub(8)));
        let mut lines = text::wrap(&toast.text, most);
        lines.truncate(MOST_LINES);
        let inside = lines.iter().map(|line| text::width(line)).max().unwrap_or(0);
        let (width, height) = (inside as u16 + 4, lines.len() as u16 + 2);
        if bottom < area.y + height || width > area.width {
            return;
        }
        bottom -= height;
        let outer = Rect { x: area.right() - width, y: bottom, width, height };
        let (role, title) = match toast.severity {
            Severity::Info => (Role::Accent, ""),
            Severity::Warning => (Role::Warning, " warning "),
            Severity::Error => (Role::Error, " error "),
        };
        Clear.render(outer, buf);
        buf.set_style(outer, context.style(Role::Text));
        let block = Block::bordered()
            .border_type(BorderType::Rounded)
            .border_style(context.style(role))
            .title(Line::from(Span::styled(title, context.style(role))));
        let inner = block.inner(outer);
        block.render(outer, buf);
        for (line, row) in lines.iter().zip(inner.rows()) {
            let room = row.width.saturating_sub(1).into();
            buf.set_stringn(row.x + 1, row.y, line, room, context.style(Role::Text));
        }
    }
}
