//! Every query that ships is read by Microsoft's own parser, against each shape that Container Apps' logs can have.

use crate::{succeeds, workspace};
use serde_json::{Value, json};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const FUNCTION: &str = "deploy/observability/azure/cache-health.kql";
const RULES: &str = "deploy/observability/azure/rules";

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn function() -> String {
    read(&workspace().join(FUNCTION))
}

/// The files under a folder of the repository with this ending.
fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("a folder");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let found = paths.flat_map(|path| match path.is_dir() {
        true => files(&path, ending),
        false => vec![path],
    });
    found
        .filter(|path| path.to_string_lossy().ends_with(ending))
        .collect()
}

/// What stands between two lines.
fn between(text: &str, first: &str, last: &str) -> Vec<String> {
    let mut blocks = Vec::new();
    let mut block: Option<Vec<&str>> = None;
    for line in text.lines() {
        match &mut block {
            None if line.trim_end().ends_with(first) => block = Some(Vec::new()),
            Some(lines) if line.trim() == last => {
                blocks.push(lines.join("\n"));
                block = None;
            }
            Some(lines) => lines.push(line),
            None => {}
        }
    }
    blocks
}

/// Every query, with where it is.
fn queries() -> Vec<(String, String)> {
    let top = workspace();
    let mut all = vec![(FUNCTION.to_owned(), "CacheHealth()".to_owned())];
    for path in files(&top.join(RULES), ".kql") {
        all.push((path.display().to_string(), read(&path)));
    }
    let mut documents = files(&top.join("docs"), ".md");
    documents.push(top.join("README.md"));
    for path in documents {
        for query in between(&read(&path), "```kusto", "```") {
            all.push((path.display().to_string(), query));
        }
    }
    for path in files(&top.join("deploy"), ".sh") {
        for said in between(&read(&path), "<<'KQL'", "KQL") {
            // A sentence for people comes first.
            let query = said
                .lines()
                .skip_while(|line| !line.trim().starts_with("CacheHealth"));
            all.push((
                path.display().to_string(),
                query.collect::<Vec<_>>().join("\n"),
            ));
        }
    }
    all
}

/// A query, with the function that it calls.
struct Asked {
    name: String,
    function: String,
    query: String,
}

/// What the parser finds wrong: where, with which tables, and what.
fn problems(asked: &[Asked]) -> Vec<Value> {
    let folder = std::env::var("CACHE_HEALTH_KUSTO").expect("cargo xtask test sets it");
    let here = workspace().join("crates/xtask/tests/kql");
    let of = |asked: &Asked| json!({ "name": asked.name, "function": asked.function, "query": asked.query });
    let asked: Vec<Value> = asked.iter().map(of).collect();
    let mut node = Command::new("node")
        .arg(here.join("check.mjs"))
        .args([Path::new(&folder), &here.join("tables.json")])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("node runs");
    let mut input = node.stdin.take().expect("piped");
    input
        .write_all(json!(asked).to_string().as_bytes())
        .expect("written");
    drop(input);
    let said = succeeds(&node.wait_with_output().expect("it ends"));
    serde_json::from_str(&said).expect("JSON")
}

#[test]
#[ignore = "needs @kusto/language-service-next of npm: cargo xtask test"]
fn every_query_fits_every_shape_of_the_logs() {
    let queries = queries();
    for place in [FUNCTION, RULES, "verify.sh", "container-apps.md"] {
        assert!(
            queries.iter().any(|(name, _)| name.contains(place)),
            "no query in {place}"
        );
    }
    let function = function();
    let asked = queries.into_iter().map(|(name, query)| Asked {
        name,
        function: function.clone(),
        query,
    });
    let problems = problems(&asked.collect::<Vec<_>>());
    assert!(problems.is_empty(), "{problems:#?}");
}

#[test]
#[ignore = "needs @kusto/language-service-next of npm: cargo xtask test"]
fn a_misspelt_column_is_found_in_a_rule_and_in_the_function() {
    let whole = function();
    let mut misspelt = Vec::new();
    for (right, wrong) in [
        (
            "ContainerName_s == container",
            "ContainerNam_s == container",
        ),
        ("Log_message_s)", "Log_mesage_s)"),
        ("JobName,", "JobNam,"),
        ("parse_json(Log)", "parse_json(Logs)"),
    ] {
        assert!(whole.contains(right), "{right}");
        misspelt.push(Asked {
            name: wrong.to_owned(),
            function: whole.replacen(right, wrong, 1),
            query: "CacheHealth()".to_owned(),
        });
    }
    for path in files(&workspace().join(RULES), ".kql") {
        let rule = read(&path);
        assert!(rule.contains("project TimeGenerated"), "{}", path.display());
        misspelt.push(Asked {
            name: path.display().to_string(),
            function: whole.clone(),
            query: rule.replacen("project TimeGenerated", "project TimeGenerate", 1),
        });
    }
    let found = problems(&misspelt);
    for Asked { name, .. } in misspelt {
        let of_this = |problem: &&Value| problem["name"] == name;
        assert!(
            found.iter().any(|problem| of_this(&problem)),
            "{name} is not found"
        );
    }
}

#[test]
fn every_rule_is_in_the_bicep_file_and_no_other() {
    let bicep = read(&workspace().join("deploy/observability/azure/alerts.bicep"));
    let loaded = between_quotes(&bicep, "loadTextContent('rules/");
    let mut rules: Vec<String> = files(&workspace().join(RULES), ".kql")
        .iter()
        .filter_map(|path| Some(path.file_name()?.to_str()?.to_owned()))
        .collect();
    rules.sort();
    let mut loaded: Vec<&str> = loaded;
    loaded.sort_unstable();
    assert_eq!(rules, loaded);
}

/// What stands between this and the next quotation mark.
fn between_quotes<'a>(text: &'a str, first: &str) -> Vec<&'a str> {
    let rest = text.split(first).skip(1);
    rest.filter_map(|rest| rest.split('\'').next()).collect()
}

#[test]
fn no_query_in_a_document_escapes_the_parser() {
    for path in files(&workspace().join("docs"), ".md") {
        let text = read(&path);
        let fenced: Vec<&str> = text.split("```").skip(1).step_by(2).collect();
        for block in fenced {
            let is_a_query = block.contains("CacheHealth()") || block.contains("ConsoleLogs");
            assert!(
                !is_a_query || block.starts_with("kusto\n"),
                "{}: {block}",
                path.display()
            );
        }
    }
}
