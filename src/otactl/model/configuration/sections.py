"""All sections, in the order of the manual, then otactl's own.

Three kinds are special: those of a family (``ALARM_CONFIG_<alarm_name>``), which a list names one
by one, and the two whose keys the user names (``TAGS``, ``LINT_CONFIG``).
"""

from __future__ import annotations

from dataclasses import dataclass

from otactl.model.configuration import (
    alarm_section,
    default_section,
    deployment_section,
    eligibility_section,
    job_section,
    rollback_section,
    verify_section,
    wave_section,
)
from otactl.model.configuration.section import Section
from otactl.model.status import FailureType

DEFAULT = "DEFAULT"
ALARM_PREFIX = "ALARM_CONFIG_"
WINDOW_PREFIX = "MAINTENANCE_WINDOW_"
WAVE_PREFIX = "WAVE_CONFIG_"
TAGS = "TAGS"
LINT = "LINT_CONFIG"
WAIVER_PREFIX = "waive_"


@dataclass(frozen=True, slots=True)
class KeyName:
    """A key and the section it belongs to."""

    section: str
    key: str

    def __str__(self) -> str:
        return f"{self.section}.{self.key}"


@dataclass(frozen=True, slots=True, kw_only=True)
class SectionSpec:
    """One section.

    Attributes:
        name: As in the file; of a family, ``PREFIX_<…>``.
        model: Its keys; None when they are the user's own.
        about: What it is for.
        switch: The key that must be True for it to count; None when its presence is enough.
        also_when: Other keys, each with the value that makes it count as well.
        also_with: Sections whose presence makes it count as well, if it exists.
        listed_in: The key that lists the members of the family.
        is_optional: Whether the section of a family's member may be missing.
        ours: Whether the manual lacks it.
        fixed_type: Of the abort sections, the failure type in the name.
    """

    name: str
    about: str
    model: type[Section] | None = None
    switch: KeyName | None = None
    also_when: tuple[tuple[KeyName, object], ...] = ()
    also_with: tuple[str, ...] = ()
    listed_in: KeyName | None = None
    is_optional: bool = False
    ours: bool = False
    fixed_type: FailureType | None = None

    @property
    def prefix(self) -> str | None:
        """The prefix of a family's names; None for other sections."""
        return self.name.partition("<")[0] if self.listed_in else None

    @property
    def switches(self) -> tuple[tuple[KeyName, object], ...]:
        """Every key that makes it count, with its value."""
        return (*(() if self.switch is None else ((self.switch, True),)), *self.also_when)

    def counts_when(self, mark: str = "") -> str:
        """What makes it count, in words.

        Args:
            mark: Put before and after code.
        """
        if self.listed_in is not None:
            key, section = self.listed_in.key, self.listed_in.section
            return f"when {mark}{key}{mark} in {mark}[{section}]{mark} lists it"
        return " or ".join(
            (
                *(
                    f"when {mark}{key.key} = {value}{mark} in {mark}[{key.section}]{mark}"
                    for key, value in self.switches
                ),
                *(f"when {mark}[{name}]{mark} is there" for name in self.also_with),
            )
        )


def _abort_spec(failure_type: FailureType, switch: str, about: str) -> SectionSpec:
    return SectionSpec(
        name=f"ABORT_CONFIG_TYPE_{failure_type}",
        model=job_section.AbortTypeSection,
        about=about,
        switch=KeyName("ABORT_CONFIG", switch),
        fixed_type=failure_type,
    )


#: A section comes after the one whose key switches it on.
SECTIONS: tuple[SectionSpec, ...] = (
    SectionSpec(
        name=DEFAULT,
        model=default_section.DefaultSection,
        about="What is deployed, to whom and where. The one section that must be there.",
    ),
    SectionSpec(
        name="CUSTOM_JOB_DOCUMENT",
        model=deployment_section.CustomJobDocumentSection,
        about="A job document of your own, into which otactl merges what it says of the image.",
        switch=KeyName(DEFAULT, "useCustomJobDocument"),
    ),
    SectionSpec(
        name="AFR_OTA_CONFIG",
        model=deployment_section.AfrOtaSection,
        about="What documents of the format afr_ota say besides the image; see documentFormat.",
        ours=True,
    ),
    SectionSpec(
        name="PRESIGNED_URL_CONFIG",
        model=deployment_section.PresignedUrlSection,
        about="Download by HTTPS, from an address that expires.",
        switch=KeyName(DEFAULT, "usePresignedUrlConfig"),
    ),
    SectionSpec(
        name="JOB_EXECUTE_ROLLOUT_CONFIG",
        model=job_section.RolloutSection,
        about="How many things are notified of the job per minute.",
        switch=KeyName(DEFAULT, "useJobExecutionsRolloutConfig"),
    ),
    SectionSpec(
        name="EXP_RATE_CONFIG",
        model=job_section.ExponentialRateSection,
        about="A rollout that begins slowly and grows.",
        switch=KeyName("JOB_EXECUTE_ROLLOUT_CONFIG", "useExponentialRateCfg"),
    ),
    SectionSpec(
        name="INCREASE_CRITERIA",
        model=job_section.IncreaseCriteriaSection,
        about="When it grows. The service takes exactly one of the two keys.",
        switch=KeyName("EXP_RATE_CONFIG", "useRateIncreaseCriteria"),
    ),
    SectionSpec(
        name="ABORT_CONFIG",
        model=job_section.AbortSection,
        about="Which failures cancel the job by themselves; at least one type must be True.",
        switch=KeyName(DEFAULT, "useAbortConfig"),
    ),
    _abort_spec(FailureType.ALL, "useAllSubsection", "Abort on failures of every type together."),
    _abort_spec(FailureType.FAILED, "useFailedSubsection", "Abort on things that FAILED."),
    _abort_spec(FailureType.REJECTED, "useRejectedSubsection", "Abort on things that REJECTED."),
    _abort_spec(FailureType.TIMED_OUT, "useTimedOutSubsection", "Abort on things that TIMED_OUT."),
    SectionSpec(
        name="TIMEOUT_CONFIG",
        model=job_section.TimeoutSection,
        about="How long a device may take once it has begun.",
        switch=KeyName(DEFAULT, "useTimeoutConfig"),
    ),
    SectionSpec(
        name="ALARM_CONFIG",
        model=alarm_section.AlarmListSection,
        about=(
            "CloudWatch alarms that watch the deployment. A metric that is new can take 15 "
            "minutes to appear, so try it before production."
        ),
    ),
    SectionSpec(
        name=f"{ALARM_PREFIX}<alarm_name>",
        model=alarm_section.AlarmSection,
        about="One alarm of alarmList.",
        listed_in=KeyName("ALARM_CONFIG", "alarmList"),
    ),
    SectionSpec(
        name="IMAGE_CONFIG",
        model=deployment_section.ImageSection,
        about="What else the job document says of the image.",
        ours=True,
    ),
    SectionSpec(
        name="SIGNING_CONFIG",
        model=deployment_section.SigningSection,
        about="A signature of the image in the job document, in place of md5sum.",
        switch=KeyName(DEFAULT, "useSigningConfig"),
        ours=True,
    ),
    SectionSpec(
        name="RETRY_CONFIG",
        model=job_section.RetrySection,
        about="How often the service retries a thing that failed.",
        switch=KeyName(DEFAULT, "useRetryConfig"),
        ours=True,
    ),
    SectionSpec(
        name="SCHEDULING_CONFIG",
        model=job_section.SchedulingSection,
        about="When the rollout begins and ends, and the windows it keeps to.",
        switch=KeyName(DEFAULT, "useSchedulingConfig"),
        ours=True,
    ),
    SectionSpec(
        name=f"{WINDOW_PREFIX}<window_name>",
        model=job_section.MaintenanceWindowSection,
        about="One window of maintenanceWindowList.",
        listed_in=KeyName("SCHEDULING_CONFIG", "maintenanceWindowList"),
        ours=True,
    ),
    SectionSpec(
        name="WAVE_CONFIG",
        model=wave_section.WaveListSection,
        about="Waves: who gets the image first, and what must hold before the next get it.",
        switch=KeyName(DEFAULT, "useWaveConfig"),
        ours=True,
    ),
    SectionSpec(
        name=f"{WAVE_PREFIX}<wave_name>",
        model=wave_section.WaveSection,
        about="What is different in one wave of waveList.",
        listed_in=KeyName("WAVE_CONFIG", "waveList"),
        is_optional=True,
        ours=True,
    ),
    SectionSpec(
        name="ELIGIBILITY_CONFIG",
        model=eligibility_section.EligibilitySection,
        about=(
            "Which things of the thing list the image is for, decided once at the plan by what they"
            " report. Where they report it is in [VERIFY_CONFIG]."
        ),
        switch=KeyName(DEFAULT, "useEligibilityConfig"),
        ours=True,
    ),
    SectionSpec(
        name="VERIFY_CONFIG",
        model=verify_section.VerifySection,
        about="The version that a thing reports after its reboot: success is that, not SUCCEEDED.",
        switch=KeyName(DEFAULT, "useVerifyConfig"),
        also_when=(
            (KeyName(DEFAULT, "useEligibilityConfig"), True),
            (KeyName("WAVE_CONFIG", "onGateFailure"), "rollback"),
        ),
        also_with=("ROLLBACK_CONFIG",),
        ours=True,
    ),
    SectionSpec(
        name="ROLLBACK_CONFIG",
        model=rollback_section.RollbackSection,
        about="Which image brings each former version back; see docs/rollback.md.",
        ours=True,
    ),
    SectionSpec(
        name="API_CONFIG",
        model=deployment_section.ApiSection,
        about="How many calls to AWS run at once, and how often one is retried.",
        ours=True,
    ),
    SectionSpec(name=TAGS, about="Tags for the job and the stream.", ours=True),
    SectionSpec(
        name=LINT, about="Findings of `otactl lint` that you know of and accept.", ours=True
    ),
)


def find_section(name: str) -> SectionSpec | None:
    """The section of that name; ``ALARM_CONFIG_Mine`` is found as one of its family."""
    for spec in SECTIONS:
        if spec.name == name:
            return spec
    for spec in SECTIONS:
        if spec.prefix and name.startswith(spec.prefix) and len(name) > len(spec.prefix):
            return spec
    return None
