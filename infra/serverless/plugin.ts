import { completeInvocation, setExampleToken } from "../local/invoke.ts";
import { startLocalService } from "../local/offline.ts";
import { silenceFramework } from "../local/silence.ts";
import { leaveOutMetrics, setAlarmTopic } from "./alarms.ts";
import { leaveOutApiDescription } from "./api-description.ts";
import { printApiUrl, setApiUrl } from "./api-url.ts";
import { forgetBuildFolder, useOwnBuildFolders } from "./build-folder.ts";
import { setCloudFormationRole } from "./cloudformation-role.ts";
import { checkCredentials } from "./credentials.ts";
import { leaveOutDomain } from "./domain.ts";
import type { Hooks, Options, Serverless, Writers } from "./framework.ts";
import { checkEnvironments, checkFunctionNames, checkTemplate } from "./limits.ts";
import { checkKeystoneAddress, checkParameterNames, checkTokenIssuer } from "./parameters.ts";
import { addRoles, defineRoleProperties } from "./roles.ts";
import { setRoutesVariable } from "./routes.ts";

/**
 * The Serverless plugin of this service: its steps at each life-cycle event, in the order in which the framework reaches
 * the events. A step that finds something wrong ends the command with one sentence and exit code 1.
 */
export default class Plugin {
  readonly hooks: Hooks;

  constructor(serverless: Serverless, options: Options, writers: Writers) {
    silenceFramework(serverless, writers);
    useOwnBuildFolders(serverless);
    defineRoleProperties(serverless);

    this.hooks = {
      // Each command, before its own events.
      initialize: async () => {
        checkParameterNames(serverless, options);
        checkKeystoneAddress(serverless);
        checkTokenIssuer(serverless);
        leaveOutApiDescription(serverless);
        setCloudFormationRole(serverless);
        setApiUrl(serverless);
        leaveOutDomain(serverless);
        leaveOutMetrics(serverless);
        setAlarmTopic(serverless);
        setRoutesVariable(serverless);
        await checkCredentials(serverless);
        await completeInvocation(serverless);
      },

      // sls package, and sls deploy, which packages first.
      "before:package:setupProviderConfiguration": () => addRoles(serverless),
      "before:package:createDeploymentArtifacts": () => checkFunctionNames(serverless),
      "before:package:finalize": () => checkEnvironments(serverless),
      "before:aws:package:finalize:saveServiceState": () => {
        forgetBuildFolder(serverless);
        checkTemplate(serverless, writers);
      },

      // sls offline, and sls offline start
      "before:offline:start": () => startLocalService(serverless, options),
      "before:offline:start:init": () => startLocalService(serverless, options),

      // sls invoke local
      "before:invoke:local:invoke": () => setExampleToken(options),

      // Each command, when it has succeeded; the framework's own plugins have printed their part by then.
      finalize: () => printApiUrl(serverless, writers),
    };
  }
}
