"""The timeline of a subject: what happened to it and to what belongs to it, in order, with who and why.

The trail states every transition, so its entries are the lines. From their rows, apps add details to an entry, and
lines about what no entry states: an answer of a provider, money that arrived, a booking, a message. So a fact has one
line. Apps list in their `backoffice.py` what they add (`TIMELINES`) and which subjects belong to others
(`RELATED_SUBJECTS`).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from sunusav.backoffice.facts import readable, show_actor, show_code_or_text
from sunusav.backoffice.refusals import show_fact, show_reason
from sunusav.backoffice.sections import Line, Timeline, link_to_page, show_subject
from sunusav.core import phrasing
from sunusav.core.app_modules import collect, collect_mapping
from sunusav.core.models import Proposal, TrailEntry
from sunusav.core.subjects import key_of, kind_name, known_kinds

LINES_SHOWN: Final = 200
MOST_SUBJECTS: Final = 500
# The order of lines of one moment: what was learned, what it led to, what was sent and booked, who was informed.
LEARNED, DONE, SENT, BOOKED, CHARGED, INFORMED = 10, 20, 30, 40, 50, 60
# Facts that are shown in another way, or are for machines to compare.
NOT_SHOWN: Final = {"proposal", "digest", "code", "sha256"}

Names = Mapping[str, str]


@dataclass(frozen=True)
class Details:
    """What rows say about an entry of the trail, beyond its own facts."""

    entry_id: int
    facts: Sequence[tuple[Any, Any]] = ()
    links: Sequence[Any] = ()


@dataclass(frozen=True)
class Story:
    """The subjects of a timeline, each with its name or an empty string, and the newest entries about them."""

    names: Names
    entries: Sequence[TrailEntry]

    def keys(self, kind: str) -> list[str]:
        """Return the keys of the subjects of a kind."""
        return [key_of(subject) for subject in self.names if kind_name(subject) == kind]

    def entries_of(self, subject: str, action: str) -> list[TrailEntry]:
        """Return the entries of an action about a subject, the oldest first."""
        return [one for one in self.entries if one.subject == subject and one.action == action]


Contribution = Callable[[Story], Iterable[Line | Details]]
Related = Callable[[Names], Mapping[str, str]]


def timeline_of(subjects: Sequence[str]) -> Timeline:
    """Return what happened to these subjects and to what belongs to them, the oldest first.

    The newest `LINES_SHOWN` lines are shown; the trail has all of them.
    """
    names, is_whole = _followed(subjects)
    newest = TrailEntry.objects.filter(subject__in=list(names)).order_by("-id")[: LINES_SHOWN + 1]
    story = Story(names, list(reversed(newest)))
    lines = sorted(_lines(story, subjects), key=lambda line: (line.at, line.rank, line.key))
    is_cut = len(lines) > LINES_SHOWN or not is_whole
    earlier = f"{reverse('admin:core_trailentry_changelist')}?{urlencode({'q': subjects[0]})}"
    return Timeline(
        title=_("Timeline"), lines=lines[-LINES_SHOWN:], earlier=earlier if is_cut else "",
        empty=_("Nothing has happened yet."),
    )  # fmt: skip


def subjects_of(proposal: Proposal) -> list[str]:
    """Return the subjects whose timeline a proposal's page shows: its own, and what it is about."""
    page = collect_mapping("backoffice", "PROPOSAL_PAGES").get(proposal.kind)
    about = [kind.kind for kind in known_kinds().values() if page and kind.page == page]
    return [f"{kind}:{proposal.subject_id}" for kind in (proposal.kind, *about)]


def _followed(subjects: Iterable[str]) -> tuple[dict[str, str], bool]:
    """Return the subjects and all that belongs to them with their names, and whether that is all of it."""
    related: list[Related] = collect("backoffice", "RELATED_SUBJECTS")
    names: dict[str, str] = {}
    found = dict.fromkeys(subjects, "")
    while found:
        names |= found
        if len(names) > MOST_SUBJECTS:
            return dict(list(names.items())[:MOST_SUBJECTS]), False
        new = _proposals_about(found)
        for follow in related:
            new |= follow(found)
        found = {subject: name for subject, name in new.items() if subject not in names}
    return names, True


def _proposals_about(names: Names) -> dict[str, str]:
    """Return the subjects in the trail of the proposals about these subjects: those that have the same page."""
    pages = collect_mapping("backoffice", "PROPOSAL_PAGES")
    kinds = known_kinds()
    return {
        f"{proposed}:{key_of(subject)}": ""
        for subject in names
        if (kind := kinds.get(kind_name(subject))) and kind.page
        for proposed, page in pages.items()
        if page == kind.page
    }


def _lines(story: Story, about: Sequence[str]) -> Iterator[Line]:
    added: list[Line | Details] = [one for read in collect("backoffice", "TIMELINES") for one in read(story)]
    details: dict[int, list[Details]] = {}
    for one in added:
        if isinstance(one, Details):
            details.setdefault(one.entry_id, []).append(one)
        else:
            yield one
    proposals = _proposals_carried_out(story.entries)
    for entry in story.entries:
        line = _line(entry, story, about, proposals.get(entry.pk))
        more = details.get(entry.pk, [])
        yield replace(
            line,
            facts=[*line.facts, *(fact for one in more for fact in one.facts)],
            links=[*line.links, *(link for one in more for link in one.links)],
        )


def _line(entry: TrailEntry, story: Story, about: Sequence[str], proposal: Proposal | None) -> Line:
    """Return an entry of the trail as a line. `proposal`: the one that it carries out, proposed in another story."""
    facts = _facts(entry, story)
    if proposal is not None:
        facts.insert(0, (_("Proposed by"), _said(proposal)))
    return Line(
        at=entry.at, rank=DONE, what=event_of(entry), who=show_actor(entry.actor_label), why=why_of(entry),
        facts=facts, links=list(_links(entry, story.names, about)), tone=tone_of(entry),
        key=entry.pk, is_said=entry.actor_id is not None,
    )  # fmt: skip


def event_of(entry: TrailEntry) -> str:
    """Return what an entry of the trail says happened, in the words of the app whose subject it is."""
    return phrasing.event(kind_name(entry.subject), entry.action, entry.facts, show=show_fact)


def tone_of(entry: TrailEntry) -> str:
    """Return whether what an entry says went well, badly, or needs attention; an empty string for the usual course."""
    return phrasing.event_tone(kind_name(entry.subject), entry.action, entry.to_state)


def _said(proposal: Proposal) -> str:
    who = proposal.proposer.get_username()
    return gettext("%(who)s: “%(why)s”") % {"who": who, "why": proposal.reason} if proposal.reason else who


def _is_of_proposal(entry: TrailEntry) -> bool:
    return phrasing.event_key(kind_name(entry.subject), entry.action).startswith("proposal.")


def _carries_out(entry: TrailEntry) -> bool:
    """Return whether an entry is of what a proposal led to, not of the proposal itself."""
    return "proposal" in entry.facts and not _is_of_proposal(entry)


def _proposals_carried_out(entries: Sequence[TrailEntry]) -> dict[int, Proposal]:
    """Return the proposals that entries carry out and that are not among the entries themselves."""
    present = {entry.facts["proposal"] for entry in entries if _is_of_proposal(entry)}
    wanted = {entry.pk: entry.facts["proposal"] for entry in entries if _carries_out(entry)}
    wanted = {entry_id: pk for entry_id, pk in wanted.items() if pk not in present}
    rows = Proposal.objects.select_related("proposer").in_bulk(set(wanted.values())) if wanted else {}
    return {entry_id: rows[pk] for entry_id, pk in wanted.items() if pk in rows}


def why_of(entry: TrailEntry) -> Any:
    """Return the reason that who acted gave. What two people decided has that of the proposer, on another line."""
    if _carries_out(entry):
        return ""
    if entry.actor_id:
        return entry.reason
    if not entry.reason and "code" in entry.facts and "%(code)" not in _sentence(entry):
        return show_reason(entry.facts["code"], entry.facts)
    return show_code_or_text(entry.reason) if entry.reason else ""


def _sentence(entry: TrailEntry) -> str:
    named = phrasing.facts_in_event(kind_name(entry.subject), entry.action)
    return "".join(f"%({name})" for name in named)


def _facts(entry: TrailEntry, story: Story) -> list[tuple[Any, Any]]:
    """Return the facts that neither the sentence, nor the reason, nor the timeline itself says."""
    if "code" in entry.facts:
        return []
    hidden = NOT_SHOWN | phrasing.facts_in_event(kind_name(entry.subject), entry.action)
    known = {key_of(entry.subject), *story.names}
    return readable(
        {
            name: fact
            for name, fact in _without_digests(entry.facts).items()
            if name not in hidden and fact not in (None, False, "") and str(fact) not in known
        }
    )


def _without_digests(facts: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: _without_digests(fact) if isinstance(fact, Mapping) else fact
        for name, fact in facts.items()
        if not name.endswith(("_digest", "_sha256"))
    }


def _links(entry: TrailEntry, names: Names, about: Sequence[str]) -> Iterator[Any]:
    """Yield links to the proposal that an entry is about, and to its subject where that is not the timeline's."""
    if "proposal" in entry.facts:
        number = {"number": entry.facts["proposal"]}
        yield link_to_page("core.proposal", number["number"], gettext("proposal %(number)s") % number)
    elif entry.subject not in about:
        yield _named(entry.subject, names.get(entry.subject, ""))


def _named(subject: str, name: str) -> Any:
    kind = known_kinds().get(kind_name(subject))
    if name and kind and kind.page:
        return link_to_page(kind.page, key_of(subject), name)
    return name or show_subject(subject)
