// Loaded before plugin.ts, and JavaScript, as a Node that does not read TypeScript reads this.

/** The release that the project brings; what it runs is made for it. */
const NEEDED = 24;

if (Number.parseInt(process.versions.node, 10) < NEEDED) {
  process.stderr.write(
    `Node ${process.versions.node} is too old for sls: use npx sls, which runs it on the Node ${NEEDED} that the project brings.\n`,
  );
  process.exit(1);
}

/** A plugin without steps, as the framework expects a plugin of each file that it loads. */
export default class NodeVersion {}
