import { hash } from "node:crypto";
import { readFileSync } from "node:fs";
import { asset, assetReply } from "../../lib/http/asset.ts";
import { endpoint } from "../../lib/http/endpoint.ts";
import { byAnyone } from "../../lib/http/event.ts";

/** The folders of the page's own parts and of its library, below a function's working directory (`serverless.yml`). */
const OWN = "functions/service/page";
const LIBRARY = "node_modules/swagger-ui-dist";

const page = pageWithItsParts();

/** `GET /docs`: shows the description as a page, from which the API can be tried. It loads nothing from elsewhere. */
export const handler = endpoint({ access: byAnyone }, (request) => assetReply(page, request));

/** Puts styles and scripts into the page, with a policy that allows only these, by their digests. */
function pageWithItsParts() {
  const digests: Record<string, string[]> = { style: [], script: [] };
  const html = readPart("page.html").replace(
    /(<(style|script)>)\/\* ([\w.-]+) \*\//g,
    (_, opening: string, kind: string, file: string) => {
      const part = readPart(file);
      digests[kind]?.push(`'sha256-${hash("sha256", part, "base64")}'`);
      return `${opening}${part}`;
    },
  );
  const policy = [
    "default-src 'none'",
    `script-src ${digests.script?.join(" ")}`,
    `style-src ${digests.style?.join(" ")}`,
    "img-src 'self' data:",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ];
  const headers = {
    "content-type": "text/html; charset=utf-8",
    "content-security-policy": policy.join("; "),
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
  };
  return asset(headers, html);
}

/** @throws Error where the file was not packed */
function readPart(file: string): string {
  return readFileSync(`${file.startsWith("page.") ? OWN : LIBRARY}/${file}`, "utf8");
}
