#!/bin/sh
# task.sh DIRECTORY SECONDS FAILS TAG: one attempt of a job, which writes down what it does.
# A file that is there already is another launch of the same task: then it has a name of its own.
set -C
file="$1/$MESOS_TASK_ID.$CHRONOS_JOB_RUN_ATTEMPT"
well=true
[ "$CHRONOS_JOB_RUN_ATTEMPT" -lt "$3" ] && well=false
said="{\"job\":\"$CHRONOS_JOB_NAME\",\"instant\":$CHRONOS_JOB_RUN_TIME"
said="$said,\"attempt\":$CHRONOS_JOB_RUN_ATTEMPT,\"task_id\":\"$MESOS_TASK_ID\""
said="$said,\"run_id\":\"$CHRONOS_RUN_ID\",\"tag\":$4,\"hand\":\"$BY_HAND\",\"pid\":$$"
said="$said,\"where\":\"$PWD\",\"start\":$(date +%s%N)}"
{ echo "$said" > "$file"; } 2>/dev/null || { file="$file.again.$$"; echo "$said" > "$file"; }
[ "$2" = 0 ] || sleep "$2"
echo "{\"end\":$(date +%s%N),\"well\":$well}" >> "$file"
[ $well = true ]
