import js from "@eslint/js";
import globals from "globals";

const strict = {
  "consistent-return": "error",
  curly: ["error", "multi-line"],
  eqeqeq: "error",
  "no-eval": "error",
  "no-implicit-globals": "error",
  "no-implied-eval": "error",
  "no-shadow": "error",
  "no-use-before-define": ["error", { functions: false }],
  "no-var": "error",
  "object-shorthand": "error",
  "prefer-const": "error",
};

export default [
  { linterOptions: { reportUnusedDisableDirectives: "error" } },
  js.configs.recommended,
  {
    files: ["udrl_explain/player/web/*.js"],
    languageOptions: { sourceType: "module", ecmaVersion: 2023, globals: globals.browser },
    // Modules are put behind each other as one: no name comes from anywhere but an import.
    rules: { ...strict, "no-restricted-exports": ["error", { restrictDefaultExports: { direct: true } }] },
  },
  {
    files: ["udrl_explain/report/page/*.js"],
    languageOptions: { sourceType: "script", ecmaVersion: 2023, globals: globals.browser },
    rules: strict,
  },
];
