// Reads every KQL query that ships with Microsoft's own parser, against the schemas of the tables in tables.json.
//
//   node check.mjs NODE_FOLDER TABLES_FILE < queries
//
// In: a JSON list of { name, function, query }. Out: a JSON list of { name, database, problem }. `function`: the body of
// CacheHealth, which the query may call.
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";

const [folder, tables] = process.argv.slice(2);
const require = createRequire(`${folder}/`);
require("@kusto/language-service-next/bridge.min.js");
require("@kusto/language-service-next/Kusto.Language.Bridge.min.js");
const { GlobalState, KustoCode, Symbols } = globalThis.Kusto.Language;

const databases = Object.entries(JSON.parse(readFileSync(tables, "utf8"))).map(([name, tables]) => {
  const symbols = Object.entries(tables).map(([table, columns]) => {
    const schema = Object.entries(columns).map(([column, type]) => `${column}:${type}`);
    return new Symbols.TableSymbol.$ctor7(table, `(${schema.join(", ")})`, null);
  });
  return [name, GlobalState.Default.WithDatabase(new Symbols.DatabaseSymbol.ctor("db", symbols))];
});

const problems = [];
for (const { name, function: body, query } of JSON.parse(readFileSync(0, "utf8"))) {
  const defined = `let CacheHealth = (container:string="cache-health") {\n${body}\n};\n`;
  for (const [database, globals] of databases) {
    const found = KustoCode.ParseAndAnalyze(defined + query, globals).GetDiagnostics();
    for (let at = 0; at < found.Count; at++) {
      const { Severity, Message } = found.getItem(at);
      // A table that is not there is what the function is made for, and a warning. The parser then takes whatever
      // column a caller names; only where both are there does it know which there are.
      if (Severity === "Error") problems.push({ name, database, problem: Message });
    }
  }
}
process.stdout.write(JSON.stringify(problems));
