//! Tables of Markdown.

/// A table that grows by rows.
pub struct Table {
    lines: Vec<String>,
}

impl Table {
    /// With these columns after the one that names the rows.
    pub fn of<'a>(what: &'a str, columns: impl IntoIterator<Item = &'a str>) -> Self {
        let columns: Vec<&str> = [what].into_iter().chain(columns).collect();
        let head = format!("| {} |", columns.join(" | "));
        let line = format!("|{}", "---|".repeat(columns.len()));
        Self {
            lines: vec![head, line],
        }
    }

    /// One more row.
    pub fn row(&mut self, name: &str, values: impl IntoIterator<Item = String>) {
        let values: Vec<String> = [name.to_owned()].into_iter().chain(values).collect();
        self.lines.push(format!("| {} |", values.join(" | ")));
    }

    /// Its text.
    pub fn text(&self) -> String {
        self.lines.join("\n")
    }
}

/// A number with as many digits as say something.
pub fn number(value: f64) -> String {
    match value {
        value if value >= 100.0 => format!("{value:.0}"),
        value if value >= 10.0 => format!("{value:.1}"),
        value => format!("{value:.2}"),
    }
}
