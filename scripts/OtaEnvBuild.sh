#!/bin/sh
# Uploads an image and writes the two documents a deployment of it needs.
#
#   sh OtaEnvBuild.sh <BinFile> <RoleARN> <StreamID> [PrivateKey]
#
# Writes example-job.json (the job document) and create-stream.json (the stream) into the current
# directory, for OtaStressStart.sh. main.sh calls both; see there for the environment.
set -eu

fail() {
    echo "error: $1" >&2
    exit 2
}
[ $# -eq 3 ] || [ $# -eq 4 ] ||
    fail "usage: sh OtaEnvBuild.sh <BinFile> <RoleARN> <StreamID> [PrivateKey]"

bin_file=$1 role_arn=$2 stream_id=$3 private_key=${4-}

# A name that begins with a dash would be taken for an option.
case $bin_file in -*) bin_file=./$bin_file ;; esac
name=${bin_file##*/}
[ -f "$bin_file" ] && [ -r "$bin_file" ] || fail "cannot read the image $bin_file"
[ -s "$bin_file" ] || fail "the image $bin_file is empty"
# The name becomes part of an S3 key and of a JSON document.
case $name in
    *[[:cntrl:]]*) fail "the image's name has a tab, a line break or another control character:\
 rename the file" ;;
esac
! command -v iconv >/dev/null 2>&1 || printf '%s' "$name" | iconv -f UTF-8 -t UTF-8 >/dev/null 2>&1 ||
    fail "the image's name is not UTF-8: rename the file"
[ -w . ] || fail "cannot write example-job.json and create-stream.json into this folder"
case $role_arn in
    *[!a-zA-Z0-9:/+=,.@_-]*) fail "$role_arn is not the ARN of a role (arn:aws:iam::ACCOUNT:role/NAME)" ;;
    arn:aws*:iam::[0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9]:role/?*) ;;
    *) fail "$role_arn is not the ARN of a role (arn:aws:iam::ACCOUNT:role/NAME)" ;;
esac
case $stream_id in
    '' | *[!a-zA-Z0-9_-]*) fail "the stream id $stream_id may only have letters, digits, _ and -" ;;
esac
[ ${#stream_id} -le 128 ] || fail "the stream id has ${#stream_id} characters; AWS takes 128"

# A signal ends the script when the AWS call under way is over, so that none goes on unseen.
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# digest ALGORITHM FILE: lower-case hex, with what the machine has.
digest() {
    if command -v "${1}sum" >/dev/null 2>&1; then
        "${1}sum" <"$2" | cut -d ' ' -f 1
    else
        openssl dgst "-$1" -r <"$2" | cut -d ' ' -f 1
    fi
}

# json_text TEXT: the text as the inside of a JSON string.
json_text() {
    printf '%s' "$1" | sed -e 's/\\/\\\\/g' -e 's/"/\\"/g'
}

# sign FILE KEY: the signature SHA256withECDSA in base64, without line breaks.
sign() {
    command -v openssl >/dev/null 2>&1 || fail "signing needs openssl"
    folder=$(umask 077 && mktemp -d)
    # The key is written where only this user can read it, and goes whatever happens.
    trap 'rm -rf "$folder"' EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM HUP
    if [ -f "$2" ]; then
        cat -- "$2" >"$folder/given"
    else
        printf '%s' "$2" >"$folder/given"
    fi
    if grep -q -e '-----BEGIN' "$folder/given"; then
        cat "$folder/given" >"$folder/decoded"
    else
        tr -d ' \t\r\n' <"$folder/given" | openssl base64 -d -A >"$folder/decoded"
    fi
    if grep -q -e '-----BEGIN' "$folder/decoded"; then
        form=PEM
    else
        form=DER
    fi
    openssl pkey -inform "$form" -in "$folder/decoded" -out "$folder/key.pem" 2>/dev/null ||
        openssl ec -inform "$form" -in "$folder/decoded" -out "$folder/key.pem" 2>/dev/null ||
        fail "the private key is neither a readable file nor base64 of one"
    openssl dgst -sha256 -sign "$folder/key.pem" -out "$folder/signature" "$1"
    openssl base64 -A -in "$folder/signature"
    rm -rf "$folder"
    trap - EXIT INT TERM HUP
}

size=$(wc -c <"$bin_file" | tr -d ' ')
[ "$size" -le 25165824 ] || fail "the image has $size bytes; a stream delivers 25165824 at most"
md5=$(digest md5 "$bin_file")
sha256=$(digest sha256 "$bin_file")
# Any number from 0 to 255: the first byte of the digest stays the same for the same image.
file_id=$(printf '%d' "0x$(printf '%s' "$sha256" | cut -c 1-2)")
key="firmware/$sha256/$name"
if [ -n "$private_key" ]; then
    signature=$(sign "$bin_file" "$private_key")
    # By both names: the sample tool's devices read the first, earlier ones of otactl the second.
    proof="\"signatureAlgorithm\": \"SHA256withECDSA\",
    \"sigAlgorithm\": \"SHA256withECDSA\",
    \"signature\": \"$signature\""
else
    proof="\"md5sum\": \"$md5\""
fi

account=$(aws sts get-caller-identity --query Account --output text)
region=${AWS_REGION:-${AWS_DEFAULT_REGION:-$(aws configure get region || true)}}
[ -n "$region" ] || fail "no AWS region is set; use AWS_REGION"
bucket=${OTA_BUCKET:-iot-ota-upgrade-package-$account-$region}
made_bucket=
if ! aws s3api head-bucket --bucket "$bucket" --expected-bucket-owner "$account" >/dev/null 2>&1; then
    [ -z "${OTA_BUCKET-}" ] || fail "bucket $OTA_BUCKET does not exist or is not account $account's"
    if [ "$region" = us-east-1 ]; then
        aws s3api create-bucket --bucket "$bucket" >/dev/null
    else
        aws s3api create-bucket --bucket "$bucket" \
            --create-bucket-configuration "LocationConstraint=$region" >/dev/null
    fi
    made_bucket=made-bucket
fi
# What is about to be created is written down before it is.
created_key=
aws s3api head-object --bucket "$bucket" --key "$key" >/dev/null 2>&1 || created_key=$key
[ -z "${OTA_RECORD-}" ] || printf '%s\n%s\n%s\n' "$bucket" "$created_key" "$made_bucket" >"$OTA_RECORD"
if [ -n "$created_key" ]; then
    aws s3api put-object --bucket "$bucket" --key "$key" --body "$bin_file" >/dev/null
fi

cat >create-stream.json <<EOF
{
    "streamId": "$stream_id",
    "description": "One image for over-the-air update: $(json_text "$name")",
    "files": [
        {
            "fileId": $file_id,
            "s3Location": {
                "bucket": "$bucket",
                "key": "$(json_text "$key")"
            }
        }
    ],
    "roleArn": "$role_arn"
}
EOF
cat >example-job.json <<EOF
{
    "command": "fota",
    "streamId": "$stream_id",
    "fileId": $file_id,
    "fileSize": $size,
    "imageVer": "1",
    $proof
}
EOF
echo "image $name: $size bytes, sha256 $sha256, in s3://$bucket/$key"
