/** A Slurm of one node on this machine, in a folder of its own, without systemd or cgroups. */

export interface Cluster extends AsyncDisposable {
  /** What the Slurm programs need in their environment. */
  readonly env: Record<string, string>;
  /** Output of a Slurm program; throws with its errors when it fails. */
  run(program: string, args: string[], options?: Deno.CommandOptions): Promise<string>;
  /** Waits until no job waits or runs. */
  drain(): Promise<void>;
  /** State of a job or an array task: COMPLETED, FAILED, CANCELLED … */
  stateOf(job: string): Promise<string>;
}

/** More cores and memory than there may be, so that the scripts' own requests fit. */
const NODE = "CPUs=32 RealMemory=200000 State=UNKNOWN";

/** Starts the daemons. @param dir an empty folder */
export async function startCluster(dir: string): Promise<Cluster> {
  const user = (await output("id", ["-un"])).trim(), host = Deno.hostname();
  const [controller, daemon] = [freePort(), freePort()];
  for (const name of ["state", "spool"]) await Deno.mkdir(`${dir}/${name}`);
  await Deno.writeTextFile(
    `${dir}/slurm.conf`,
    `ClusterName=local
SlurmctldHost=${host}(127.0.0.1)
SlurmctldPort=${controller}
SlurmdPort=${daemon}
AuthType=auth/none
CredType=cred/none
SlurmUser=${user}
SlurmdUser=${user}
StateSaveLocation=${dir}/state
SlurmdSpoolDir=${dir}/spool
SlurmctldPidFile=${dir}/slurmctld.pid
SlurmdPidFile=${dir}/slurmd.pid
SlurmctldLogFile=${dir}/slurmctld.log
SlurmdLogFile=${dir}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
MpiDefault=none
SlurmdParameters=config_overrides
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SchedulerParameters=sched_interval=1
NodeName=${host} NodeAddr=127.0.0.1 ${NODE}
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP
`,
  );
  const env = { SLURM_CONF: `${dir}/slurm.conf` };
  const start = (program: string) =>
    new Deno.Command(program, { args: ["-D"], env, stdout: "null", stderr: "null" }).spawn();
  const run: Cluster["run"] = (program, args, options) =>
    output(program, args, { ...options, env: { ...env, ...options?.env } });
  const daemons = [start("slurmctld"), start("slurmd")];
  const cluster: Cluster = {
    env,
    run,
    drain: () => until(async () => (await run("squeue", ["--noheader"])).trim() === ""),
    stateOf: async (job) =>
      /JobState=(\w+)/.exec(await run("scontrol", ["show", "job", "--oneliner", job]))?.[1] ?? "",
    async [Symbol.asyncDispose]() {
      for (const process of daemons.toReversed()) {
        try {
          process.kill("SIGTERM");
        } catch {
          // It has ended by itself.
        }
        await process.status;
      }
    },
  };
  try {
    await until(async () => {
      try {
        return (await run("sinfo", ["--noheader", "--format=%t"])).trim() === "idle";
      } catch {
        return false;
      }
    });
  } catch (error) {
    await cluster[Symbol.asyncDispose]();
    throw error;
  }
  return cluster;
}

async function output(
  program: string,
  args: string[],
  options: Deno.CommandOptions = {},
): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(program, { args, ...options })
    .output();
  if (!success) {
    throw new Error(`${program} ${args.join(" ")}: ${new TextDecoder().decode(stderr).trim()}`);
  }
  return new TextDecoder().decode(stdout);
}

/** Waits two minutes at most. */
export async function until(isDone: () => Promise<boolean> | boolean): Promise<void> {
  const end = Date.now() + 120_000;
  while (!await isDone()) {
    if (Date.now() > end) throw new Error("Slurm did not get there within two minutes");
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}
