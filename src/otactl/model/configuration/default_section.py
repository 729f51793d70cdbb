"""[DEFAULT]: one deployment."""

from __future__ import annotations

from typing import Annotated

from otactl.model import limits
from otactl.model.configuration import words
from otactl.model.configuration.kind import Choice, ChoiceList, Switch, WholeNumber
from otactl.model.configuration.section import OF_OTACTL, Section, key
from otactl.model.document_format import DocumentFormat
from otactl.model.status import TargetSelection


def _switch(name: str, section: str, becomes: str, *, ours: bool = False) -> bool:
    return key(  # type: ignore[no-any-return]  # pydantic's Field is typed as the value it holds
        name,
        about=f"Whether the section [{section}] counts. False or left out: it is ignored.",
        becomes=becomes,
        example="False",
        ours=ours,
        default=False,
    )


class DefaultSection(Section):
    """[DEFAULT]: one deployment."""

    thing_list: Annotated[str, words.PATH] = key(
        "thingList",
        about=(
            "The file that lists the ARNs of the things and thing groups to update, one a line. "
            "A relative path counts from the folder of this file; blanks in it are fine."
        ),
        becomes="iot:CreateJob targets",
        example="thingsList.txt",
    )
    bin_name: Annotated[str, words.IMAGE_PATH] = key(
        "binName",
        about="The firmware image. It is uploaded to the bucket under a name made of its content.",
        becomes="s3:PutObject Body",
        example="test.bin",
    )
    role_arn: Annotated[str, words.ROLE_ARN] = key(
        "roleArn",
        about="The role that AWS IoT assumes to read the image for the stream.",
        becomes="iot:CreateStream roleArn",
        example="arn:aws:iam::<your_account>:role/<your_role>",
    )
    job_id: Annotated[str, words.JOB_ID] = key(
        "jobId",
        about="The id of the job, unique in the account and region.",
        becomes="iot:CreateJob jobId",
        example="<yourJobId>",
    )
    rounds: Annotated[int, WholeNumber(limits.ROUNDS)] = key(
        "rounds",
        about=(
            "How often the same job is deployed, one after the other; 1 to deploy, more to test. "
            "The first round that fails ends it. More than 1 needs cleanUpCfg = True."
        ),
        default=1,
    )
    bucket: Annotated[str, words.BUCKET] = key(
        "bucket",
        about="The S3 bucket that takes the image and the documents.",
        becomes="s3:PutObject Bucket; iot:CreateStream files[].s3Location.bucket",
        example="<your-bucket>",
    )
    clean_up: Annotated[bool, Switch()] = key(
        "cleanUpCfg",
        about=(
            "Whether everything the deployment created is deleted when it has ended. Left out it "
            "is False: nothing is deleted unless you ask for it."
        ),
        example="True",
        default=False,
    )
    abort_wait_minutes: Annotated[int | None, WholeNumber(limits.ABORT_WAIT_MINUTES, "minutes")] = (
        key(
            "abortWaitMinutes",
            about=(
                "After an abort, or a cancel without force: how long things in the middle of the "
                "update are waited for before anything is deleted. If some have not ended by "
                "then, the job is kept and they are reported as UNKNOWN. 0: do not wait. Left "
                "out it is the in-progress timeout, or 15 without one; with cleanUpCfg = False "
                "it is 0."
            ),
            default=None,
            ours=True,
        )
    )
    debug: Annotated[bool, Switch()] = key(
        "debug",
        about=(
            "Whether a detailed log goes to a file, below `logs` in the state directory: every "
            "step, poll and API call. The terminal shows the progress in any case."
        ),
        default=False,
    )
    default_delay_seconds: Annotated[int, WholeNumber(limits.DEFAULT_DELAY_SECONDS, "seconds")] = (
        key(
            "defaultDelay",
            about="The seconds to wait between two rounds.",
            default=5,
        )
    )
    region: Annotated[str, words.REGION] = key(
        "region",
        about="The AWS region of the things, the bucket and everything that is created.",
        becomes="the region of every call",
        example="us-east-1",
    )
    stream_id: Annotated[str, words.STREAM_ID] = key(
        "streamId",
        about=(
            "The id of the stream that devices read the image from. As in the manual the file's id "
            "is added: MyStream becomes MyStream_35 for file 35."
        ),
        becomes="iot:CreateStream streamId",
        example="<yourStreamId>",
    )
    api_sleep_ms: Annotated[int, WholeNumber(limits.API_SLEEP_MS, "milliseconds")] = key(
        "iotApiSleepTime",
        about=(
            "The milliseconds to wait between two calls of the AWS IoT API; the manual suggests "
            "more than 50. Throttled calls are retried in any case."
        ),
        default=50,
    )
    chunk_size_bytes: Annotated[int, WholeNumber(limits.CHUNK_SIZE_BYTES, "bytes")] = key(
        "fileChunkSize",
        about=(
            "How many bytes of the image are read at a time when its digests are computed. The "
            "digests are of the whole file and do not depend on it."
        ),
        also="fileChunckSize",
        default=8192,
    )
    target_selection: Annotated[TargetSelection, Choice(TargetSelection)] = key(
        "targetSelection",
        about=(
            "SNAPSHOT: the job ends with the things it found. CONTINUOUS: it also runs on things "
            "that join a target group later, and never ends by itself."
        ),
        becomes="iot:CreateJob targetSelection",
        default=TargetSelection.SNAPSHOT,
    )
    document_formats: Annotated[tuple[DocumentFormat, ...], ChoiceList(DocumentFormat)] = key(
        "documentFormat",
        about=(
            "Which devices the job document is written for. otactl: those that speak the manual's "
            "dialect. afr_ota: those with AWS's FreeRTOS OTA agents; it needs [AFR_OTA_CONFIG] and "
            "a signature. Both with a comma: one document for a mixed fleet. See "
            "docs/documents.md."
        ),
        becomes="the job document",
        ours=True,
        default=(DocumentFormat.OTACTL,),
    )
    use_custom_job_document: Annotated[bool, Switch()] = _switch(
        "useCustomJobDocument", "CUSTOM_JOB_DOCUMENT", OF_OTACTL
    )
    use_presigned_url: Annotated[bool, Switch()] = _switch(
        "usePresignedUrlConfig", "PRESIGNED_URL_CONFIG", "iot:CreateJob presignedUrlConfig"
    )
    use_rollout: Annotated[bool, Switch()] = _switch(
        "useJobExecutionsRolloutConfig",
        "JOB_EXECUTE_ROLLOUT_CONFIG",
        "iot:CreateJob jobExecutionsRolloutConfig",
    )
    use_abort: Annotated[bool, Switch()] = _switch(
        "useAbortConfig", "ABORT_CONFIG", "iot:CreateJob abortConfig"
    )
    use_timeout: Annotated[bool, Switch()] = _switch(
        "useTimeoutConfig", "TIMEOUT_CONFIG", "iot:CreateJob timeoutConfig"
    )
    use_retry: Annotated[bool, Switch()] = _switch(
        "useRetryConfig", "RETRY_CONFIG", "iot:CreateJob jobExecutionsRetryConfig", ours=True
    )
    use_scheduling: Annotated[bool, Switch()] = _switch(
        "useSchedulingConfig", "SCHEDULING_CONFIG", "iot:CreateJob schedulingConfig", ours=True
    )
    use_signing: Annotated[bool, Switch()] = _switch(
        "useSigningConfig", "SIGNING_CONFIG", OF_OTACTL, ours=True
    )
    use_waves: Annotated[bool, Switch()] = _switch(
        "useWaveConfig", "WAVE_CONFIG", OF_OTACTL, ours=True
    )
    use_eligibility: Annotated[bool, Switch()] = _switch(
        "useEligibilityConfig", "ELIGIBILITY_CONFIG", OF_OTACTL, ours=True
    )
    use_verify: Annotated[bool, Switch()] = _switch(
        "useVerifyConfig", "VERIFY_CONFIG", OF_OTACTL, ours=True
    )
