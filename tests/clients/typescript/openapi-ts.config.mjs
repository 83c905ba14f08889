export default {
  input: "openapi.json",
  output: { path: "generated/hey-api", module: { extension: ".js" } },
  // The default ones, and schemas by which what comes in is parsed.
  plugins: ["@hey-api/client-fetch", "@hey-api/typescript", "@hey-api/sdk", "zod"],
};
