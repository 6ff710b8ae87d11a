//! The WIT packages are frozen per version: other people's components are written against them. What they
//! say may be worded better at any time; what they declare may only change with their version.

use crate::workspace;

/// The packages that others write against, and their files.
const PACKAGES: [(&str, &[&str]); 2] = [
    ("cache-health-probe", &["health.wit"]),
    (
        "cache-health-capabilities",
        &[
            "package.wit",
            "settings.wit",
            "credentials.wit",
            "redis.wit",
            "access.wit",
        ],
    ),
];

fn read(package: &str, file: &str) -> String {
    let path = workspace().join("wit/deps").join(package).join(file);
    std::fs::read_to_string(path).expect("WIT")
}

/// What a package declares: everything but comments and white space.
fn declared(package: &str, files: &[&str]) -> String {
    let lines = files.iter().flat_map(|file| {
        let text = read(package, file);
        let lines = text.lines().map(|line| {
            let code = line.split("//").next().unwrap_or_default();
            code.trim().to_owned()
        });
        lines.filter(|line| !line.is_empty()).collect::<Vec<_>>()
    });
    lines.map(|line| line + "\n").collect()
}

fn version<'a>(package: &str, declared: &'a str) -> &'a str {
    let name = package.replacen("cache-health-", "package cache-health:", 1) + "@";
    let line = declared.lines().find_map(|line| line.strip_prefix(&*name));
    line.and_then(|rest| rest.strip_suffix(';'))
        .expect("a version")
}

#[test]
fn what_a_package_declares_only_changes_with_its_version() {
    for (package, files) in PACKAGES {
        let declared = declared(package, files);
        let version = version(package, &declared);
        let name = format!("{package}@{version}.txt");
        let file = workspace().join("crates/xtask/tests/wit").join(&name);
        if !file.exists() && std::env::var_os("BLESS").is_some() {
            std::fs::write(&file, &declared).expect("written");
        }
        let frozen = std::fs::read_to_string(&file).unwrap_or_else(|_| {
            panic!("crates/xtask/tests/wit/{name} is missing: a new version is frozen with BLESS=1 cargo test")
        });
        assert!(
            frozen == declared,
            "{package} differs from what version {version} froze: give the package a new version"
        );
    }
}

#[test]
fn every_file_of_a_package_is_frozen() {
    for (package, files) in PACKAGES {
        let folder = workspace().join("wit/deps").join(package);
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let name = entry
                .expect("an entry")
                .file_name()
                .into_string()
                .expect("UTF-8");
            assert!(files.contains(&&*name), "{package}/{name} is not frozen");
        }
    }
}

#[test]
fn every_declaration_is_documented_and_says_since_when() {
    for (package, files) in PACKAGES {
        for file in files {
            let text = read(package, file);
            let (mut documented, mut since) = (false, false);
            for line in text.lines().map(str::trim) {
                if line.starts_with("@since(") {
                    since = true;
                    continue;
                }
                let item =
                    line.ends_with('{') || line.contains("func(") || line.starts_with("type ");
                let field = line.ends_with(',') || line.starts_with("import ");
                let exempt = line.starts_with("use ")
                    || line.starts_with("export ")
                    || line.starts_with("///");
                if (item || field) && !exempt {
                    assert!(documented, "{file}: no doc before `{line}`");
                }
                if item && !exempt {
                    assert!(since, "{file}: no @since before `{line}`");
                }
                documented = line.starts_with("///");
                since = false;
            }
        }
    }
}
