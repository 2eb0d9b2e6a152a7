// Prints what Shopify's own theme check finds in the theme app extension, as JSON.
// node tests/contracts/check_theme.mjs <folder with node_modules> <extension>
import { createRequire } from "node:module";
import { join } from "node:path";

const [packages, extension] = process.argv.slice(2);
const { themeCheckRun } = createRequire(join(packages, "package.json"))("@shopify/theme-check-node");
const { offenses } = await themeCheckRun(extension, "theme-check:theme-app-extension", () => {});
const found = offenses.map(({ check, uri, start, message }) => `${check} ${uri}:${start.line + 1} ${message}`);
console.log(JSON.stringify(found));
