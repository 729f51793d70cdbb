#!/bin/sh
# Deploys one job again and again with documents that are there already.
#
#   sh OtaStressStart.sh <ThingListFile> <JobID> <Rounds> <job.json> <create-stream.json> <StreamID>
#
# The documents are those of OtaEnvBuild.sh or your own, as file://name or name. Each round creates
# the stream and the job, waits until every thing is done, adds a line to results.csv and deletes
# both. The first round that fails is the last. A job or stream that exists already is left alone,
# and so is everything that is not of this run. See main.sh for environment and exit codes.
set -eu

fail() {
    echo "error: $1" >&2
    exit 2
}
[ $# -eq 6 ] || fail "usage: sh OtaStressStart.sh <ThingListFile> <JobID> <Rounds> <job.json>\
 <create-stream.json> <StreamID>"

thing_list=$1 job_id=$2 rounds=$3 stream_id=$6
job_file=${4#file://} stream_file=${5#file://}
poll=${OTA_POLL_SECONDS:-5}

for file in "$thing_list" "$job_file" "$stream_file"; do
    [ -r "$file" ] || fail "cannot read $file"
done
case $rounds in
    # A leading zero would make it octal to the shell.
    '' | 0* | *[!0-9]* | ??????*) fail "the number of rounds must be 1 to 99999, not $rounds" ;;
esac
case $job_id in
    '' | *[!a-zA-Z0-9_-]*) fail "the job id $job_id may only have letters, digits, _ and -" ;;
esac
[ ${#job_id} -le 64 ] || fail "the job id has ${#job_id} characters; AWS takes 64"
case $stream_id in
    '' | *[!a-zA-Z0-9_-]*) fail "the stream id $stream_id may only have letters, digits, _ and -" ;;
esac

# The targets become the script's own arguments: an ARN has no spaces, a list may have comments.
set --
line_number=0
while IFS= read -r line || [ -n "$line" ]; do
    line_number=$((line_number + 1))
    arn=$(printf '%s' "$line" | tr -d '\r\357\273\277' | sed -e 's/#.*//' -e 's/^[[:space:]]*//' -e 's/[[:space:]]*$//')
    case $arn in
        '') continue ;;
        arn:aws*:iot:*:thing/?* | arn:aws*:iot:*:thinggroup/?*) set -- "$@" "$arn" ;;
        *) fail "$thing_list:$line_number: $arn is not the ARN of a thing or a thing group" ;;
    esac
done <"$thing_list"
[ $# -gt 0 ] || fail "$thing_list names no things"
[ $# -le 100 ] || fail "$thing_list names $# targets and a job takes 100: use a thing group, or otactl"

# exists KIND: whether the job or the stream is there. What else can go wrong is not "no".
exists() {
    if [ "$1" = job ]; then
        answer=$(aws iot describe-job --job-id "$job_id" --query job.status --output text 2>&1)
    else
        answer=$(aws iot describe-stream --stream-id "$stream_id" --query streamInfo.streamId \
            --output text 2>&1)
    fi && return 0
    case $answer in
        *ResourceNotFoundException*) return 1 ;;
    esac
    echo "$answer" >&2
    exit 1
}

# remove COMMAND...: deletes what may be gone already.
remove() {
    answer=$("$@" 2>&1) && return 0
    case $answer in
        *ResourceNotFoundException*) return 0 ;;
    esac
    echo "$answer" >&2
    return 1
}

ours_job='' ours_stream=''
complaint=$(mktemp)
delete_ours() {
    if [ -n "$ours_job" ]; then
        remove aws iot delete-job --job-id "$job_id" --force
        # AWS deletes in the background; the id is free when the job is gone.
        while exists job; do sleep 1; done
    fi
    ours_job=''
    [ -z "$ours_stream" ] || remove aws iot delete-stream --stream-id "$stream_id"
    ours_stream=''
}
finish() {
    code=$?
    trap - EXIT INT TERM HUP
    rm -f "$complaint"
    delete_ours
    exit "$code"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

if exists job; then fail "job $job_id exists already; delete it or choose another id"; fi
if exists stream; then fail "stream $stream_id exists already; delete it or choose another id"; fi
# main.sh asks so before it creates anything.
[ -z "${OTA_CHECK_ONLY-}" ] || exit 0

[ -s results.csv ] ||
    echo "round,jobId,startedAt,endedAt,status,succeeded,failed,rejected,timedOut,canceled,removed,result" >results.csv

counters='job.[status'
for name in Queued InProgress Succeeded Failed Rejected TimedOut Canceled Removed; do
    counters="$counters,jobProcessDetails.numberOf${name}Things"
done
counters="$counters]"

round=0
while [ "$round" -lt "$rounds" ]; do
    round=$((round + 1))
    started=$(date -u +%Y-%m-%dT%H:%M:%SZ)
    echo "round $round of $rounds: job $job_id for $# target(s)"
    # Set before the call, since an interrupted one may have taken effect, and taken back when AWS
    # refuses: what is there then is somebody else's.
    ours_stream=yes
    aws iot create-stream --stream-id "$stream_id" --cli-input-json "file://$stream_file" \
        >/dev/null || { ours_stream=''; exit 1; }
    ours_job=yes
    aws iot create-job --job-id "$job_id" --targets "$@" --document "file://$job_file" \
        --description "over-the-air update, round $round" --target-selection SNAPSHOT \
        >/dev/null || { ours_job=''; exit 1; }

    status=IN_PROGRESS shown='' misses=0
    queued=0 running=0 succeeded=0 failed=0 rejected=0 timed_out=0 canceled=0 removed=0
    while [ "$status" = IN_PROGRESS ]; do
        # One look gives the state and every counter; what AWS leaves out is printed as None.
        if look=$(aws iot describe-job --job-id "$job_id" --output text --query "$counters" \
            2>"$complaint"); then
            misses=0
            read -r status queued running succeeded failed rejected timed_out canceled removed <<EOF
$(printf '%s\n' "$look" | sed 's/None/0/g')
EOF
            if [ "$look" != "$shown" ]; then
                echo "  queued $queued, in progress $running, succeeded $succeeded, failed $failed"
                shown=$look
            fi
        elif [ -n "$shown" ] && grep -q ResourceNotFoundException "$complaint"; then
            echo "error: job $job_id was deleted by somebody else" >&2
            status=DELETED
        else
            # The job goes on without us, or is so new that AWS does not know it yet.
            misses=$((misses + 1))
            cat "$complaint" >&2
            [ "$misses" -lt 20 ] || { echo "error: AWS cannot be asked about the job" >&2; exit 1; }
        fi
        [ "$status" != IN_PROGRESS ] || sleep "$poll"
    done

    bad=$((failed + rejected + timed_out + canceled + removed))
    result=success
    if [ "$status" != COMPLETED ] || [ "$bad" -gt 0 ] || [ "$succeeded" -eq 0 ]; then
        result=failure
    fi
    echo "$round,$job_id,$started,$(date -u +%Y-%m-%dT%H:%M:%SZ),$status,$succeeded,$failed,$rejected,$timed_out,$canceled,$removed,$result" >>results.csv
    echo "round $round: $status, $succeeded succeeded, $bad did not"
    delete_ours
    if [ "$result" = failure ]; then
        echo "error: round $round failed; $((rounds - round)) round(s) skipped" >&2
        exit 1
    fi
done
echo "all $rounds round(s) succeeded; see results.csv"
