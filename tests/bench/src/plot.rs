//! Latency and memory against the number of sandboxes, as a picture.

use std::path::Path;

use plotters::prelude::*;
use rig::{Failure, Outcome};

use crate::budget::RESIDENT;
use crate::report::Report;

const SIZE: (u32, u32) = (960, 900);

/// A line: whose, and its points.
type Line = (String, Vec<(f64, f64)>);

/// Draws a run.
///
/// # Errors
/// When the file cannot be written.
pub fn draw(report: &Report, file: &Path) -> Outcome<()> {
    let failed = |error: &dyn std::fmt::Display| Failure::from(format!("{}: {error}", file.display()));
    let root = SVGBackend::new(file, SIZE).into_drawing_area();
    root.fill(&WHITE).map_err(|error| failed(&error))?;
    let areas = root.split_evenly((3, 1));
    let times = |what: &str| {
        lines(
            report
                .rows
                .iter()
                .filter(|row| row.what == what && row.callers == 1)
                .map(|row| (&*row.who, row.sandboxes, row.p50_us / 1_000.0)),
        )
    };
    let memory = lines(report.facts.iter().filter(|fact| fact.what == RESIDENT).map(|fact| (&*fact.who, fact.sandboxes, fact.value)));
    let charts = [("ListSandboxes, p50, ms", times("list")), ("GetSandbox, p50, ms", times("get")), ("memory, MiB", memory)];
    for (area, (title, lines)) in areas.iter().zip(charts) {
        chart(area, title, &lines).map_err(|error| failed(&error))?;
    }
    root.present().map_err(|error| failed(&error))
}

/// One line for each of those who were measured.
#[expect(clippy::cast_precision_loss, reason = "thousands")]
fn lines<'a>(points: impl Iterator<Item = (&'a str, usize, f64)>) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    for (who, sandboxes, value) in points {
        let point = (sandboxes as f64, value);
        match lines.iter_mut().find(|(name, _)| name == who) {
            Some((_, points)) => points.push(point),
            None => lines.push((who.to_owned(), vec![point])),
        }
    }
    lines
}

fn chart(
    area: &DrawingArea<SVGBackend<'_>, plotters::coord::Shift>,
    title: &str,
    lines: &[Line],
) -> Result<(), Box<dyn std::error::Error>> {
    let all = || lines.iter().flat_map(|(_, points)| points);
    let right = all().map(|point| point.0).fold(1.0, f64::max);
    let top = all().map(|point| point.1).fold(0.001, f64::max) * 1.1;
    let mut chart = ChartBuilder::on(area)
        .caption(title, ("sans-serif", 18))
        .margin(12)
        .x_label_area_size(32)
        .y_label_area_size(64)
        .build_cartesian_2d(0.0..right, 0.0..top)?;
    chart.configure_mesh().x_desc("sandboxes").x_label_formatter(&|x| format!("{x:.0}")).draw()?;
    for (at, (name, points)) in lines.iter().enumerate() {
        let colour = Palette99::pick(at).to_rgba();
        let series = LineSeries::new(points.iter().copied(), colour.stroke_width(2)).point_size(3);
        chart.draw_series(series)?.label(name).legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], colour.stroke_width(2)));
    }
    if !lines.is_empty() {
        chart.configure_series_labels().position(SeriesLabelPosition::UpperLeft).background_style(WHITE.mix(0.8)).draw()?;
    }
    Ok(())
}
