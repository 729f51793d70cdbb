"""The linter's findings about one file, with their lines, for people and for scripts.

``validate`` and ``plan`` show the findings, ``deploy`` beside its question. If it asks no question,
an error refuses the deployment, unless it is waived or about a section that is switched off.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from otactl.errors import UserMistake
from otactl.errors.problem import Problem, Severity
from otactl.forecast.lint import Finding, dormant_findings, lint
from otactl.model.configuration.sections import LINT, WAIVER_PREFIX
from otactl.model.ini import IniDocument
from otactl.model.json_output import forecast as json_forecast
from otactl.model.json_output.deployment import LintFinding
from otactl.model.json_output.shaping import shaped
from otactl.operations.forecast_inputs import FleetInputs, count_things, size_of_image
from otactl.operations.load import LoadedDeployment, read_configuration


@dataclass(frozen=True, slots=True, kw_only=True)
class LintReport:
    """What was found in one file.

    Attributes:
        path: As the user gave it.
        things: The number of things it was checked for.
        findings: Including waived ones, and ones about sections that are switched off.
        ini: The file, for line numbers.
    """

    path: Path
    things: int
    findings: tuple[Finding, ...]
    ini: IniDocument

    def has(self, severities: Collection[Severity]) -> bool:
        """Whether a finding that counts has one of these severities."""
        return any(finding.counts and finding.severity in severities for finding in self.findings)

    @property
    def problems(self) -> tuple[Problem, ...]:
        """The findings that are not waived, as problems with file and line."""
        return tuple(self._problem(found) for found in self.findings if found.waived is None)

    def to_fields(self) -> json_forecast.Lint:
        """The report as ``--output json`` shows it."""
        counts = Counter(finding.severity for finding in self.findings if finding.counts)
        return {
            "file": str(self.path),
            "things": self.things,
            "errors": counts[Severity.ERROR],
            "warnings": counts[Severity.WARNING],
            "notes": counts[Severity.NOTE],
            "findings": [
                shaped(LintFinding, finding, line=self.line_of(finding))
                for finding in self.findings
            ],
        }

    def _problem(self, finding: Finding) -> Problem:
        off = "(switched off) when switched on, " if finding.is_off else ""
        return Problem(
            message=f"{finding.code}: {off}{finding.message}",
            file=str(self.path),
            line=self.line_of(finding),
            section=finding.section,
            key=finding.key,
            severity=finding.severity,
            code=finding.code,
            hint=f"safe: {finding.safe}; see `otactl lint --explain {finding.code}`",
        )

    def line_of(self, finding: Finding) -> int | None:
        """The line of the finding's key, or of its section."""
        entry = self.ini.get(finding.section, finding.key)
        if entry is not None:
            return entry.line
        section = self.ini.section(finding.section)
        return None if section is None else section.line


def lint_file(path: Path, fleet: FleetInputs) -> LintReport:
    """Lint one file.

    Raises:
        ConfigurationInvalid: It is invalid.
        LocalResourceMissing: It cannot be read.
        UserMistake: The number of things is unknown.
    """
    loaded = read_configuration(path)
    things = count_things(loaded.configuration, fleet)
    size_bytes = size_of_image(loaded.configuration, fleet)
    findings = lint(loaded.configuration, things, fleet.profile, image_bytes=size_bytes)
    dormant = dormant_findings(loaded, things, fleet.profile, image_bytes=size_bytes)
    # A waiver may be of a finding that applies as soon as its section is switched on.
    used = {f"{WAIVER_PREFIX}{finding.code}" for finding in dormant}
    findings = tuple(one for one in findings if one.section != LINT or one.key not in used)
    return LintReport(path=path, things=things, findings=(*findings, *dormant), ini=loaded.ini)


def lint_deployment(loaded: LoadedDeployment, things: int) -> LintReport:
    """Lint a deployment whose number of things is known."""
    configuration = loaded.configuration
    image_bytes = Path(configuration.image).stat().st_size
    return LintReport(
        path=Path(configuration.file_name),
        things=things,
        findings=lint(configuration, things, image_bytes=image_bytes),
        ini=loaded.ini,
    )


def refuse_errors(report: LintReport) -> None:
    """Refuse a deployment with linter errors when the user cannot be asked about them.

    Raises:
        UserMistake: The report has an error.
    """
    if report.has((Severity.ERROR,)):
        raise UserMistake(
            f"the linter found errors in {report.path}; nothing was created",
            hint="fix them, waive them with a reason in [LINT_CONFIG], or pass --yes",
        )
