"""Apps that somebody asks for: created, changed, set back, restarted and removed."""

from __future__ import annotations

from msgspec import UNSET, Struct

from mesostw.core.framework.faults import Faults
from mesostw.core.marathon import history, identifiers, validation
from mesostw.core.marathon.documents import AppDraft, app_draft
from mesostw.core.marathon.normalising import Ground, spec_of
from mesostw.core.marathon.sketches import Sketch
from mesostw.core.marathon.words import AppsAsked, Unfit
from mesostw.model.apps import ROOT, AppId, AppSpec


class Named(Struct, frozen=True):
    """A document of an app, and whose it is; ``None`` if its id is wrong."""

    id: AppId | None
    draft: AppDraft
    #: Of the document, for faults in it: ``/(2)``, or empty if it is the only one.
    path: str


def apps_asked(sketch: Sketch, question: AppsAsked) -> tuple[AppId, ...] | Unfit:
    """Add apps to a sketch as documents say; their ids, or what is wrong."""
    shape, rules = Faults(), Faults()
    many = len(question.documents) > 1
    named = [
        each
        for index, document in enumerate(question.documents)
        if (each := _named(document, f"/({index})" if many else "", shape, rules)) is not None
    ]
    if shape:
        return shape.malformed()
    for each in named:
        if each.id is None:
            _judge_nameless(sketch, each, rules)
            continue
        refused = _ask(sketch, question, each, each.id, rules)
        if refused is not None:
            return refused
    if rules:
        return rules.invalid()
    return tuple(dict.fromkeys(each.id for each in named if each.id is not None))


def app_missing(app_id: AppId) -> Unfit:
    """There is no such app."""
    return Unfit("unknown", f"App '{app_id}' does not exist")


def _named(document: object, path: str, shape: Faults, rules: Faults) -> Named | None:
    wrong = Faults()
    draft = app_draft(document, wrong)
    if draft is not None and draft.id is UNSET:
        wrong.add("/id", "error.path.missing")
    shape.below(path, wrong)
    if draft is None or draft.id is UNSET:
        return None
    return Named(identifiers.app_id(draft.id, ROOT, f"{path}/id", rules), draft, path)


def _judge_nameless(sketch: Sketch, named: Named, rules: Faults) -> None:
    """Find what else is wrong with a document that has no right id."""
    wrong = Faults()
    want(sketch, AppId(ROOT), named.draft, partial=False, faults=wrong)
    rules.below(named.path, wrong)


def _ask(
    sketch: Sketch, question: AppsAsked, named: Named, app_id: AppId, rules: Faults
) -> Unfit | None:
    before = sketch.spec(app_id)
    if before is None and not question.may_create:
        return app_missing(app_id)
    if before is not None and not question.may_exist:
        return Unfit("exists", f"An app with id [{app_id}] already exists.")
    if question.partial and before is not None and named.draft.version is not UNSET:
        given = named.draft.given - {"id", "version"}
        if not given:
            return _set_back(sketch, app_id, named.draft.version)
        if named.draft.version_info is UNSET:
            # With that it is an answer of ours sent back, whose version means nothing.
            rules.add(
                f"{named.path}/version",
                "The 'version' field may only be combined with the 'id' field.",
            )
    wrong = Faults()
    spec = want(sketch, app_id, named.draft, partial=question.partial, faults=wrong)
    rules.below(named.path, wrong)
    sketch.specs[app_id] = spec
    return None


def want(
    sketch: Sketch, app_id: AppId, draft: AppDraft, *, partial: bool, faults: Faults
) -> AppSpec:
    """What a document wants of an app; only good if nothing was added to ``faults``."""
    rules = sketch.roles_of(app_id)
    ground = Ground(app_id, sketch.spec(app_id), partial, rules, sketch.flags)
    spec = spec_of(draft, ground, faults)
    validation.judge(spec, rules, faults)
    return spec


def _set_back(sketch: Sketch, app_id: AppId, text: str) -> Unfit | None:
    version = history.stamp_from(text)
    app = None if version is None else history.app_at(sketch.state, app_id, version)
    if app is None:
        return Unfit("unknown", f"App '{app_id}' does not exist in version {text}")
    sketch.specs[app_id] = app.spec
    return None
