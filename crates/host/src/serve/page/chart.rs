//! Lines of an image (SVG), as few as can be: one path for each colour. Pure.

use cache_health_report::Status;
use std::fmt::Write as _;

/// How high a chart is, in units of its own.
pub const HEIGHT: u32 = 10;

/// A bar for each place that has this status: the text of a path.
pub fn bars(places: impl Iterator<Item = Option<Status>>, status: Status) -> String {
    let mut path = String::new();
    for (at, _) in places
        .enumerate()
        .filter(|(_, place)| *place == Some(status))
    {
        // Writing to a string cannot fail.
        let _ = write!(path, "M{at}.5 0v{HEIGHT}");
    }
    path
}

/// A line through these values, the highest at the top: the text of a path.
pub fn line(values: &[f64]) -> String {
    let most = values.iter().copied().fold(f64::MIN_POSITIVE, f64::max);
    let mut path = String::new();
    for (at, value) in values.iter().enumerate() {
        let height = f64::from(HEIGHT) * (1.0 - value / most);
        let step = if at == 0 { 'M' } else { 'L' };
        let _ = write!(path, "{step}{at} {height:.2}");
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_stands_where_its_status_is() {
        let places = [
            Some(Status::Pass),
            Some(Status::Fail),
            None,
            Some(Status::Fail),
        ];
        assert_eq!(bars(places.into_iter(), Status::Fail), "M1.5 0v10M3.5 0v10");
        assert_eq!(bars(places.into_iter(), Status::Warn), "");
    }

    #[test]
    fn a_line_goes_from_the_highest_to_the_lowest() {
        assert_eq!(line(&[2.0, 1.0, 0.0]), "M0 0.00L1 5.00L2 10.00");
        assert_eq!(line(&[]), "");
        assert_eq!(line(&[0.0]), "M0 10.00");
    }
}
