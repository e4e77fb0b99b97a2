/** Writes `functions/openapi.json`, the API's own description: `npm run openapi`. */
import { writeFile } from "node:fs/promises";
import { describedApi, FILE } from "./described-api.ts";

await writeFile(FILE, await describedApi());
