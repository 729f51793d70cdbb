"""One function for each command, for ``otactl.api``, which explains the arguments."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from otactl.aws.target_reader import RenewableReader
from otactl.deploy.consent import Consent
from otactl.deploy.planner import PlanOptions
from otactl.errors import DeploymentFailed, OtactlError, UserMistake
from otactl.model.defaults import DEFAULT_DETAILS, DEFAULT_POLL_SECONDS
from otactl.model.outcome import DeploymentResult
from otactl.model.wave import Act, Decision
from otactl.operations import stored_deployment
from otactl.operations.deciding import decide as decide_at_gate
from otactl.operations.deployment import begin, make_plan
from otactl.operations.environment import DeploymentEnvironment, environment_for, wait_options
from otactl.operations.forecast import ForecastOptions, forecast_file
from otactl.operations.forecast_inputs import read_fleet
from otactl.operations.frontend import Frontend, ObservedFrontend
from otactl.operations.lint_report import LintReport, lint_file
from otactl.operations.load import LoadedDeployment, load_deployment
from otactl.operations.location_options import HERE, LocationOptions
from otactl.operations.rehearsal import rehearse as rehearsal
from otactl.operations.rollback.start import roll_back, run_to_end
from otactl.operations.watch import actions

if TYPE_CHECKING:
    from otactl.deploy.observer import Observer
    from otactl.deploy.plan import Plan
    from otactl.forecast.summary import Forecast
    from otactl.forecast.waves import WavesForecast
    from otactl.operations.rollback.run import RollbackReport
    from otactl.operations.stored_deployment import Cleaning


def plan(
    path: str | Path,
    *,
    location: LocationOptions = HERE,
    max_wait_seconds: float | None = None,
    details: int = DEFAULT_DETAILS,
    force: bool = False,
) -> Plan:
    """Check everything and plan the deployment of a ``dev.ini``; nothing is created.

    ``force`` plans to delete a job that has the configured id.
    """
    planned, _, _ = _planned(path, location, None, max_wait_seconds, details, force=force)
    return planned


def deploy(
    path: str | Path,
    *,
    consent: Consent,
    location: LocationOptions = HERE,
    max_wait_seconds: float | None = None,
    no_wait: bool = False,
    details: int = DEFAULT_DETAILS,
    poll_seconds: float = DEFAULT_POLL_SECONDS,
    observer: Observer | None = None,
) -> DeploymentResult:
    """Deploy a ``dev.ini`` to the things of its list, and watch the job to its end.

    ``Consent.YES`` is ``--yes``; ``Consent.FORCE`` also deletes a job that has the configured id.
    With waves, ``GateWaits`` is raised if a gate still waits after ``max_wait_seconds``, or at once
    with ``no_wait``.
    """
    _check_consent(consent, (Consent.YES, Consent.FORCE), "deploy")
    force = consent is Consent.FORCE
    planned, loaded, environment = _planned(
        path, location, observer, max_wait_seconds, details, force=force
    )
    waiting = wait_options(
        has_waves=bool(planned.waves), leaves=no_wait, max_wait_seconds=max_wait_seconds
    )
    environment = replace(environment, poll_seconds=poll_seconds, waiting=waiting)
    return _result(*run_to_end(begin(loaded, planned, environment), environment))


def resume(
    deployment: str | None = None,
    *,
    location: LocationOptions = HERE,
    max_wait_seconds: float | None = None,
    no_wait: bool = False,
    poll_seconds: float = DEFAULT_POLL_SECONDS,
    observer: Observer | None = None,
) -> DeploymentResult:
    """Continue a deployment that was killed or interrupted; None for the newest unfinished one.

    ``max_wait_seconds`` and ``no_wait`` are about the gates of waves, as in ``deploy``.
    """
    journal, environment = stored_deployment.resume(
        deployment,
        location,
        _frontend(observer),
        poll_seconds=poll_seconds,
        no_wait=no_wait,
        max_wait_seconds=max_wait_seconds,
    )
    return _result(*run_to_end(journal, environment))


def decide(
    deployment: str | None,
    act: Act,
    *,
    wave: str | None = None,
    comment: str = "",
    location: LocationOptions = HERE,
) -> Decision:
    """Approve, reject, pause or continue a deployment in waves; None for the newest unfinished."""
    return decide_at_gate(deployment, act, location, wave=wave, comment=comment)[1]


def clean(
    deployment: str | None = None, *, consent: Consent, location: LocationOptions = HERE
) -> Cleaning:
    """Delete everything a deployment created; None for the newest unfinished one.

    ``Consent.ENDED`` deletes only a job that has ended (``JobUnfinished`` is raised), YES any.
    """
    _check_consent(consent, (Consent.ENDED, Consent.YES), "clean")
    cleaned = stored_deployment.clean(deployment, location, Frontend(), lambda _job: consent)
    assert cleaned is not None  # noqa: S101  # only without a consent
    return cleaned


def rollback(
    deployment: str,
    *,
    consent: Consent | None = None,
    dry_run: bool = False,
    fleet_profile: Path | None = None,
    location: LocationOptions = HERE,
    no_wait: bool = False,
    poll_seconds: float = DEFAULT_POLL_SECONDS,
    observer: Observer | None = None,
) -> RollbackReport:
    """Return each thing that took the image to its former version; with ``dry_run`` only plan it.

    Without ``dry_run`` it acts on live devices and needs ``Consent.YES``.
    """
    if not dry_run:
        _check_consent(consent, (Consent.YES,), "rollback")
    report = roll_back(
        deployment,
        location,
        _frontend(observer),
        is_dry=dry_run,
        poll_seconds=poll_seconds,
        no_wait=no_wait,
        fleet=read_fleet(fleet_profile),
    )
    assert report is not None  # noqa: S101  # None only if confirm() refuses
    return report


def cancel(
    job: str,
    *,
    consent: Consent,
    thing: str | None = None,
    force: bool = False,
    comment: str | None = None,
    location: LocationOptions = HERE,
) -> None:
    """Cancel a job, or its execution on one thing; with ``force`` what is in progress too.

    ``job`` is the job's id or its deployment's; the ``comment`` is public in the job.
    """
    _check_consent(consent, (Consent.YES,), "cancel")
    job_id, found = actions.locate_job(job, location)
    actions.cancel(
        RenewableReader(found.clients),
        job_id,
        thing,
        force=force,
        comment=comment or actions.DEFAULT_COMMENT,
        consent=consent,
    )


def rehearse(
    path: str | Path,
    *,
    things: int | None = None,
    behave: Mapping[str, float] | None = None,
    speed: float = 1.0,
    rounds: int | None = None,
    seed: int = 0,
    max_wait_seconds: float = 3600.0,
    state_dir: Path | None = None,
    observer: Observer | None = None,
) -> DeploymentResult:
    """Rehearse the deployment of a ``dev.ini`` on this machine, with devices that really download.

    ``things`` is how many to generate in place of the list; ``behave`` is in percent of them, such
    as ``{"fail": 10, "silent": 2}``; ``speed`` is in seconds of the local cloud per second here.
    """
    options = rehearsal.RehearsalOptions(
        things=things,
        rounds=rounds,
        behave=",".join(f"{name}={percent}" for name, percent in (behave or {}).items()),
        seed=seed,
        max_wait_seconds=max_wait_seconds,
        speed=speed,
        state_dir=state_dir,
    )
    rehearsed = rehearsal.rehearse(Path(path), options, _frontend(observer))
    return _result(rehearsed.result, rehearsed.failure)


def forecast(
    path: str | Path,
    *,
    profile: Path | None = None,
    things: int | None = None,
    image_bytes: int | None = None,
    failure_rate: float | None = None,
    runs: int = 20,
    seed: int = 1,
    approval_minutes: int = 0,
) -> Forecast | WavesForecast:
    """Forecast the rollout of a ``dev.ini`` without calling AWS. Needs ``otactl[forecast]``.

    With waves: when each gate decides, and how many things a bad image reaches.
    """
    options = ForecastOptions(
        failure_rate=failure_rate, runs=runs, seed=seed, approval_minutes=approval_minutes
    )
    return forecast_file(Path(path), read_fleet(profile, things, image_bytes), options)


def lint(
    path: str | Path,
    *,
    profile: Path | None = None,
    things: int | None = None,
    image_bytes: int | None = None,
) -> LintReport:
    """Find settings of a ``dev.ini`` that would not do what they are meant to do."""
    return lint_file(Path(path), read_fleet(profile, things, image_bytes))


def _frontend(observer: Observer | None) -> Frontend:
    return Frontend() if observer is None else ObservedFrontend(observer)


def _planned(
    path: str | Path,
    location: LocationOptions,
    observer: Observer | None,
    max_wait_seconds: float | None,
    details: int,
    *,
    force: bool,
) -> tuple[Plan, LoadedDeployment, DeploymentEnvironment]:
    loaded = load_deployment(path)
    environment = environment_for(loaded, location, _frontend(observer))
    options = PlanOptions(detail_limit=details, max_wait_seconds=max_wait_seconds)
    return make_plan(loaded, environment, options, force=force), loaded, environment


def _result(result: DeploymentResult, failure: OtactlError | None) -> DeploymentResult:
    """The result of a deployment that ended; an error that stopped it before is raised."""
    if failure is None or isinstance(failure, DeploymentFailed):
        return replace(result, failure=failure)
    if result.goes_on:
        failure.add_note(f"resume({result.deployment_id!r}) continues the deployment")
    raise failure


def _check_consent(consent: Consent | None, accepted: tuple[Consent, ...], act: str) -> None:
    if consent not in accepted:
        names = " or ".join(f"Consent.{each.name}" for each in accepted)
        raise UserMistake(f"{act}(…) acts on live devices: pass consent={names}")
