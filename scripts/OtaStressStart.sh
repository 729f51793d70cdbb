#!/bin/sh
# Deploys one job again and again with documents that are there already.
#
#   sh OtaStressStart.sh <ThingListFile> <JobID> <Rounds> <job.json> <create-stream.json> <StreamID>
#
# The documents are those of OtaEnvBuild.sh or your own, as file://name or name. When the stream
# document names another stream than <StreamID>, the document's is used. What else both documents
# or the image in S3 say twice must agree, or nothing is created: see compare below.
#
# Each round creates the stream and the job, waits until every thing is done, adds a line to
# results.csv and deletes both. The first round that fails is the last. A job or stream that exists
# already is left alone, and so is everything that is not of this run. See main.sh for signals,
# environment and exit codes.
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

# main.sh asks so before it creates anything; there are no documents yet.
check_only=${OTA_CHECK_ONLY-}

for file in "$thing_list" "$job_file" "$stream_file"; do
    [ -r "$file" ] && [ ! -d "$file" ] || fail "cannot read $file"
done
case $rounds in
    # A leading zero would make it octal to the shell.
    '' | 0* | *[!0-9]* | ??????*) fail "the number of rounds must be 1 to 99999, not $rounds" ;;
esac
case $job_id in
    '' | *[!a-zA-Z0-9_-]*) fail "the job id $job_id may only have letters, digits, _ and -" ;;
esac
[ ${#job_id} -le 64 ] || fail "the job id has ${#job_id} characters; AWS takes 64"
check_stream_id() {
    case $stream_id in
        '' | *[!a-zA-Z0-9_-]*) fail "the stream id $stream_id may only have letters, digits, _ and -" ;;
    esac
    [ ${#stream_id} -le 128 ] || fail "the stream id has ${#stream_id} characters; AWS takes 128"
}
check_stream_id

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

# literal FILE: a JSON document as a literal of JMESPath, the language of the CLI's --query.
literal() {
    # Both documents stand in one argument of a command, which may have 128 KiB.
    [ "$(wc -c <"$1")" -le 60000 ] || fail "$1 is longer than 60000 bytes"
    # shellcheck disable=SC2016  # the backticks are JMESPath's quotes
    printf '`%s`' "$(sed 's/`/\\`/g' <"$1")"
}

# documents EXPRESSION: what JMESPath finds in the documents job and stream, as JSON. The CLI reads
# JSON, so nothing else needs to be installed; what the call itself answers is not used.
documents() {
    aws sts get-caller-identity --output json \
        --query "{job: $job_literal, stream: $stream_literal} | $1"
}

# lines: the texts of a JSON array on standard input, each on a line of its own.
lines() {
    sed -n 's/^ *"\(.*\)",\{0,1\}$/\1/p'
}

# refuse_job: the job document is not JSON; the CLI can say where.
refuse_job() {
    fault=$(aws iot create-job --cli-input-json "file://$job_file" --generate-cli-skeleton output 2>&1 |
        sed -n 's/.*Invalid JSON: //p')
    fail "$job_file is not JSON${fault:+: $fault}"
}

# compare: refuses documents with which every device would fail. What the job document does not say
# is not compared: devices may have a format of their own.
compare() {
    job_literal=$(literal "$job_file")
    stream_literal=$(literal "$stream_file")
    # AWS's own rules for a stream, applied by the CLI without a call.
    answer=$(aws iot create-stream --stream-id="$stream_id" --generate-cli-skeleton output \
        --cli-input-json "file://$stream_file" 2>&1) ||
        fail "$stream_file does not describe a stream: ${answer%%JSON received*}"
    answer=$(documents '[type(job), to_string(stream.streamId), to_string(job.streamId),
        to_string(job.fileId), to_string(job.fileSize), to_string(job.md5sum),
        to_string(contains(stream.files[].to_string(fileId), to_string(job.fileId))),
        to_string(length(stream.files))]' 2>&1) || {
        case $answer in *'Bad value for --query'*) refuse_job ;; esac
        echo "$answer" >&2
        exit 1
    }
    {
        read -r kind
        read -r named_stream
        read -r job_stream
        read -r file_id
        read -r file_size
        read -r md5
        read -r has_file
        read -r files
    } <<EOF
$(printf '%s\n' "$answer" | lines)
EOF
    [ "$kind" = object ] || fail "$job_file is not a JSON object"
    if [ "$named_stream" != null ] && [ "$named_stream" != "$stream_id" ]; then
        echo "note: $stream_file names stream $named_stream; it is used instead of $stream_id" >&2
        stream_id=$named_stream
        check_stream_id
    fi
    [ "$job_stream" = null ] || [ "$job_stream" = "$stream_id" ] ||
        fail "$job_file names stream $job_stream, and the stream is $stream_id: correct streamId"
    if [ "$file_id" != null ]; then
        [ "$has_file" = true ] ||
            fail "$job_file asks for file $file_id, which $stream_file does not have: correct fileId"
        compare_image "stream.files[?to_string(fileId) == '$file_id']"
    elif [ "$files" = 1 ]; then
        compare_image stream.files
    fi
}

# compare_image FILES: the image in S3 against the job document's size and MD5.
compare_image() {
    location=$(documents "$1 | [0].s3Location.merge({Bucket: bucket, Key: key},
        version && {VersionId: version} || \`{}\`)")
    answer=$(aws s3api head-object --cli-input-json "$location" --output json \
        --query "[to_string(ContentLength), ETag, ServerSideEncryption || 'none']" 2>&1) || {
        case $answer in
            *'(403)'*)
                echo "note: the image may not be read here, so its size is not compared" >&2
                return 0
                ;;
            *'(404)'* | *'(400)'* | *'alidation failed'* | *'Invalid bucket name'*)
                fail "$stream_file names an image that is not in S3: $answer"
                ;;
        esac
        echo "$answer" >&2
        exit 1
    }
    {
        read -r size
        read -r tag
        read -r encryption
    } <<EOF
$(printf '%s\n' "$answer" | lines | tr -d '\\"')
EOF
    [ "$file_size" = null ] || [ "$file_size" = "$size" ] ||
        fail "$job_file says fileSize $file_size, and the image in S3 has $size bytes: correct fileSize"
    # The tag is the MD5 of an object that was uploaded in one piece and without a key of KMS.
    case $md5,$encryption,$tag in
        null,* | *,aws:kms* | *-*) return 0 ;;
    esac
    [ "$(printf '%s' "$md5" | tr A-F a-f)" = "$tag" ] ||
        fail "$job_file says md5sum $md5, and the image in S3 has $tag: correct md5sum"
}

# exists KIND: whether the job or the stream is there. What else can go wrong is not "no".
exists() {
    if [ "$1" = job ]; then
        answer=$(aws iot describe-job --job-id="$job_id" --query job.status --output text 2>&1)
    else
        answer=$(aws iot describe-stream --stream-id="$stream_id" --query streamInfo.streamId \
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

ours_job='' ours_stream='' helper=''
look_file=$(mktemp) complaint=$(mktemp)

# hearing COMMAND...: runs a command that may take long, so that a signal is heard meanwhile.
hearing() {
    "$@" &
    helper=$!
    wait "$helper" || { helper=''; return 1; }
    helper=''
}

delete_ours() {
    if [ -n "$ours_job" ]; then
        remove aws iot delete-job --job-id="$job_id" --force
        # AWS deletes in the background; the id is free when the job is gone.
        while exists job; do sleep 1; done
    fi
    ours_job=''
    [ -z "$ours_stream" ] || remove aws iot delete-stream --stream-id="$stream_id"
    ours_stream=''
}
finish() {
    code=$?
    # Once begun, the clean-up is not interrupted: nobody else would find what it leaves.
    trap - EXIT
    trap '' INT TERM HUP
    [ -z "$helper" ] || kill "$helper" 2>/dev/null || :
    rm -f "$look_file" "$complaint"
    delete_ours
    exit "$code"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

[ -n "$check_only" ] || compare
if exists job; then fail "job $job_id exists already; delete it or choose another id"; fi
if exists stream; then fail "stream $stream_id exists already; delete it or choose another id"; fi
[ -z "$check_only" ] || exit 0

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
    aws iot create-stream --stream-id="$stream_id" --cli-input-json "file://$stream_file" \
        >/dev/null || { ours_stream=''; exit 1; }
    ours_job=yes
    aws iot create-job --job-id="$job_id" --targets "$@" --document "file://$job_file" \
        --description "over-the-air update, round $round" --target-selection SNAPSHOT \
        >/dev/null || { ours_job=''; exit 1; }

    status=IN_PROGRESS shown='' misses=0
    queued=0 running=0 succeeded=0 failed=0 rejected=0 timed_out=0 canceled=0 removed=0
    while [ "$status" = IN_PROGRESS ]; do
        # One look gives the state and every counter; what AWS leaves out is printed as None.
        if hearing aws iot describe-job --job-id="$job_id" --output text --query "$counters" \
            >"$look_file" 2>"$complaint"; then
            misses=0 look=$(cat "$look_file")
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
        [ "$status" != IN_PROGRESS ] || hearing sleep "$poll"
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
