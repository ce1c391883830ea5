// Reads {tables, queries} from the standard input and writes the findings of Microsoft's analyser for each query.
"use strict";
const fs = require("fs");
const path = require("path");
const vm = require("vm");

// The package is no module: its two files fill the global scope.
for (const file of ["bridge.min.js", "Kusto.Language.Bridge.min.js"]) {
  vm.runInThisContext(fs.readFileSync(path.join(process.argv[2], file), "utf8"), { filename: file });
}
const { KustoCode, GlobalState, Symbols } = Kusto.Language;
const { tables, queries } = JSON.parse(fs.readFileSync(0, "utf8"));
const symbols = Object.entries(tables).map(([name, columns]) => new Symbols.TableSymbol.$ctor7(name, columns, null));
const globals = GlobalState.Default.WithDatabase(new Symbols.DatabaseSymbol.ctor("workspace", symbols));
const findings = queries.map((query) => {
  const found = KustoCode.ParseAndAnalyze(query, globals).GetDiagnostics();
  return Array.from({ length: found.Count }, (_, index) => {
    const item = found.getItem(index);
    return `${item.Severity} at ${item.Start}: ${item.Message}`;
  });
});
process.stdout.write(JSON.stringify(findings));
