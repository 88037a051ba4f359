/** What a cluster consists of. */
export interface ClusterPlan {
  readonly folder: string;
  readonly nodes: readonly string[];
  readonly cpus: number;
  readonly gpus: number;
  /** Short name of this machine. */
  readonly host: string;
  /** The controller's port and one per node. */
  readonly ports: readonly number[];
}

/** The configuration files of a cluster and the script that starts it, by name. */
export function slurmFiles(plan: ClusterPlan): Record<string, string> {
  const { folder, nodes, gpus } = plan;
  return {
    "slurm.conf": slurmConf(plan),
    "cgroup.conf": "CgroupPlugin=cgroup/v1\n",
    "gres.conf": `NodeName=${nodes.join(",")} Name=gpu File=${folder}/gpu[0-${gpus - 1}]\n`,
    "hosts": [`127.0.0.1 localhost ${plan.host}`, ...nodes.map((node, i) => `127.0.1.${i + 1} ${node}`), ""]
      .join("\n"),
    "start.sh": startScript(plan),
  };
}

function slurmConf({ folder, nodes, cpus, gpus, host, ports }: ClusterPlan): string {
  const common = `NodeHostname=${host} NodeAddr=127.0.0.1 CPUs=${cpus} Gres=gpu:${gpus}`;
  return `ClusterName=throwaway
SlurmctldHost=${host}(127.0.0.1)
SlurmctldPort=${ports[0]}
SlurmUser=root
SlurmdUser=root
AuthInfo=socket=${folder}/munge.socket
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
StateSaveLocation=${folder}/state
SlurmdSpoolDir=${folder}/spool-%n
SlurmctldPidFile=${folder}/slurmctld.pid
SlurmdPidFile=${folder}/slurmd-%n.pid
SlurmctldLogFile=${folder}/slurmctld.log
SlurmdLogFile=${folder}/slurmd-%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SlurmdParameters=config_overrides
MpiDefault=none
ReturnToService=2
KillWait=2
GresTypes=gpu
${nodes.map((node, i) => `NodeName=${node} Port=${ports[i + 1]} ${common}`).join("\n")}
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP
`;
}

/** Starts all daemons, says so, and stays until its standard input ends. */
function startScript({ folder, nodes, gpus }: ClusterPlan): string {
  return `set -eu
cd ${folder}
export SLURM_CONF=${folder}/slurm.conf
mount --bind hosts /etc/hosts
mkdir state ${nodes.map((node) => `spool-${node}`).join(" ")}
for gpu in $(seq 0 ${gpus - 1}); do mknod gpu$gpu c 195 $gpu; done
munged --force --num-threads=2 --socket=${folder}/munge.socket --key-file=${folder}/munge.key \\
  --pid-file=${folder}/munged.pid --log-file=${folder}/munged.log --seed-file=${folder}/munge.seed </dev/null >&2
slurmctld </dev/null >&2
for node in ${nodes.join(" ")}; do slurmd -N $node </dev/null >&2; done
until [ "$(sinfo --noheader --states=idle --format=%D 2>/dev/null)" = ${nodes.length} ]; do sleep 0.1; done
echo ready
cat >/dev/null
`;
}
