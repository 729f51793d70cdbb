#!/bin/sh
# Deploys an image to the things of a list, as often as asked, and cleans up.
#
#   sh main.sh <ThingListFile> <BinFile> <RoleARN> <JobID> <Rounds> <StreamID> [PrivateKey]
#
# Needs the AWS CLI and nothing else of AWS's. With the private key (a file, PEM or base64, or the
# base64 text itself; a file is safer: arguments can be read by every user of the machine) the job
# document carries a signature in place of the MD5; that needs openssl.
#
# Environment: OTA_BUCKET names the bucket for the image; without it, one named
# iot-ota-upgrade-package-ACCOUNT-REGION is used, and made and removed when there is none.
# OTA_POLL_SECONDS is the time between two looks at the job (5). All AWS_* variables are the CLI's.
#
# Writes example-job.json, create-stream.json and results.csv into the current directory.
# Ctrl-C, SIGTERM and SIGHUP end the round under way; what the script created is deleted then too.
# Exit codes: 0 every round succeeded on every thing, 1 not, 2 a mistake in the arguments,
# 130 Ctrl-C, 143 SIGTERM or SIGHUP.
set -eu

usage() {
    echo "usage: sh main.sh <ThingListFile> <BinFile> <RoleARN> <JobID> <Rounds> <StreamID>" \
        "[PrivateKey]" >&2
    exit 2
}
[ $# -eq 6 ] || [ $# -eq 7 ] || usage

thing_list=$1 bin_file=$2 role_arn=$3 job_id=$4 rounds=$5 stream_id=$6
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
[ -f "$thing_list" ] && [ -r "$thing_list" ] ||
    { echo "error: cannot read the thing list $thing_list" >&2; exit 2; }
[ -f "$bin_file" ] && [ -r "$bin_file" ] ||
    { echo "error: cannot read the image $bin_file" >&2; exit 2; }

# OtaEnvBuild.sh leaves here what it created, so that it can be taken back at the end.
OTA_RECORD=$(mktemp)
export OTA_RECORD

step=''
# run SCRIPT [ARGUMENT...]: runs another script so that a signal is heard while it runs.
run() {
    script=$1
    shift
    step=starting
    sh "$here/$script" "$@" &
    step=$!
    wait "$step"
    step=''
}

# stop CODE: a signal came. The script that runs cleans up first; nobody else may have told it.
stop() {
    trap '' INT TERM HUP
    echo "stopped; deleting what was created" >&2
    [ "$step" != starting ] || step=$!
    if [ -n "$step" ]; then
        kill -TERM "$step" 2>/dev/null || :
        wait "$step" || :
    fi
    exit "$1"
}

take_back() {
    code=$?
    trap - EXIT
    trap '' INT TERM HUP
    if [ -s "$OTA_RECORD" ]; then
        bucket=$(sed -n 1p "$OTA_RECORD")
        key=$(sed -n 2p "$OTA_RECORD")
        if [ -n "$key" ]; then
            # In a versioned bucket the version itself must go; elsewhere there is none.
            version=$(aws s3api list-object-versions --bucket "$bucket" --prefix "$key" \
                --query 'Versions[0].VersionId' --output text) || code=1
            case $version in
                None | null | '') aws s3api delete-object --bucket "$bucket" --key "$key" ;;
                *) aws s3api delete-object --bucket "$bucket" --key "$key" \
                    --version-id "$version" ;;
            esac >/dev/null || code=1
        fi
        if [ "$(sed -n 3p "$OTA_RECORD")" = made-bucket ]; then
            aws s3api delete-bucket --bucket "$bucket" || code=1
        fi
    fi
    rm -f "$OTA_RECORD"
    exit "$code"
}
trap take_back EXIT
trap 'stop 130' INT
trap 'stop 143' TERM HUP

# A mistake must be found before anything is created.
OTA_CHECK_ONLY=yes
export OTA_CHECK_ONLY
run OtaStressStart.sh "$thing_list" "$job_id" "$rounds" /dev/null /dev/null "$stream_id"
unset OTA_CHECK_ONLY
run OtaEnvBuild.sh "$bin_file" "$role_arn" "$stream_id" ${7+"$7"}
run OtaStressStart.sh "$thing_list" "$job_id" "$rounds" \
    file://example-job.json file://create-stream.json "$stream_id"
