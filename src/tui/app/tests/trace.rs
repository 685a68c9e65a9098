//! What the whole workbench does for the trace screen.

use super::*;

#[test]
fn the_tabs_and_how_busy_the_machine_is_fit_on_the_smallest_screens() {
    let mut app = app();
    for width in [80, 120] {
        app.update(Message::Resized(width, 24));
        let text = fixture::text(&frame(&app, (width, 24)).0);
        let top = text.lines().next().unwrap();
        assert!(top.contains("6 Trace") && top.contains("42 %"), "{top}");
    }
    app.update(Message::Resized(60, 15));
    let text = fixture::text(&frame(&app, (60, 15)).0);
    assert!(text.lines().next().unwrap().contains("6 Trace"), "{text}");
}

#[test]
fn enter_leads_from_a_trace_to_the_neuron_and_a_report_is_of_the_runs_on_the_screen() {
    let mut app = app();
    let world = fixture::world_with_trace(Path::new("/runs"));
    app.update(Message::WorldChanged(Arc::new(world)));
    app.runs.selected = Some(fixture::FINISHED.into());
    press(&mut app, "6 Enter Enter");
    assert_eq!(app.screen, ScreenId::Neurons);
    let trace = fixture::trace(0);
    let wrong = trace.predictions.iter().find(|prediction| prediction.kind == "wrong").unwrap();
    let told = format!("neuron {}", wrong.neurons[0].index);
    assert!(shown(&app).contains(&told), "{told}: {}", shown(&app));
    let written = Effect::WriteReport { runs: vec![fixture::FINISHED.into()] };
    assert!(press(&mut app, "6 w").contains(&written));
    app.readonly = true;
    assert_eq!(press(&mut app, "w"), []);
}
