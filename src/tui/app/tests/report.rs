//! The key that writes a report.

use super::*;

#[test]
fn a_report_is_written_of_the_selected_run_or_of_those_that_are_compared() {
    let mut app = app_with(setup(Depth::True));
    app.runs.selected = Some(RUNNING.into());
    let runs = vec![RUNNING.to_owned()];
    assert!(press(&mut app, "w").contains(&Effect::WriteReport { runs }));
    app.runs.marked = [RUNNING, fixture::FAILED].map(str::to_owned).into();
    app.runs.comparing = true;
    let effects = press(&mut app, "w");
    let both = |e: &Effect| matches!(e, Effect::WriteReport { runs } if runs.len() == 2);
    assert!(effects.iter().any(both), "{effects:?}");
}

#[test]
fn readonly_writes_no_report() {
    let mut app = app_with(Setup { readonly: true, ..setup(Depth::True) });
    app.runs.selected = Some(RUNNING.into());
    let effects = press(&mut app, "w");
    assert!(!effects.iter().any(|e| matches!(e, Effect::WriteReport { .. })), "{effects:?}");
}
