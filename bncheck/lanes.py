"""Lanes: the self-test divided into parts that are judged apart, the same whatever the number of processes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil

from bncheck.adapter import Adapter
from bncheck.case import Case
from bncheck.corpus import Corpus, Drawing
from bncheck.environment import FRAMEWORKS
from bncheck.errors import LoadError
from bncheck.law import Law
from bncheck.planted.bug import Bug, Sound
from bncheck.reference.formats import FORMATS
from bncheck.regions import Region

# Shapes in which an implementation that compiles is judged: each costs a compilation in each mode.
COMPILED_SHAPES = 4
# Two shapes of the same channels, gamma and beta left out, and a long channel: taken before all others.
PREFERRED = ((2, 3, 2, 3), (3, 3, 4), (1024, 2), (4, 5))
PLAIN = "float32"
# Targets of a lane: they share what is known of a case, and two lanes can be judged at the same time.
LONGEST = 360


@dataclass(frozen=True, slots=True)
class Collection:
    """What the self-test judges, and by what.  `complete`: nothing that ships was left out."""

    bugs: tuple[Bug, ...]
    sound: tuple[Sound, ...]
    laws: tuple[Law, ...]
    complete: bool = True


@dataclass(frozen=True, slots=True)
class Suspect:
    """A bug or a sound variant on trial.  `adapter`: a first one, to see what it can be asked."""

    id: str
    make: Callable[[], Adapter]
    adapter: Adapter
    dtypes: tuple[str, ...]
    expected: str | None

    @property
    def fresh(self) -> Adapter:
        """An adapter that remembers nothing, so that what came before does not matter.

        A layer of a framework is a class, which a second adapter would share: it is not looked into again.
        """
        return self.adapter if FRAMEWORKS.keys() & self.adapter.versions().keys() else self.make()

    @property
    def compiles(self) -> bool:
        """Whether each new shape costs a compilation."""
        return self.adapter.capabilities.compiles

    def is_judged_in(self, region: Region, dtype: str) -> bool:
        """In its own dtypes, and where a region has none of those in all that it offers."""
        if dtype not in self.adapter.capabilities.dtypes:
            return False
        return dtype in self.dtypes or not (region.dtypes is None or set(self.dtypes) & set(region.dtypes))


@dataclass(frozen=True, slots=True)
class Lane:
    """Targets, by their ids, that go through drawings, by their places, in one process and one after the other."""

    targets: tuple[str, ...]
    places: tuple[int, ...]


@dataclass(slots=True)
class Course:
    """All drawings and the suspects that go through them."""

    suspects: Mapping[str, Suspect]
    laws: tuple[Law, ...]
    corpus: Corpus
    absent: Mapping[str, str] = field(default_factory=dict)
    found: list[tuple[Region, str]] = field(default_factory=list)

    @property
    def stations(self) -> list[tuple[Region, str]]:
        """Region and dtype of each place, in the order in which a run goes through them."""
        if not self.found:
            regions = dict.fromkeys(law.region for law in self.laws)
            self.found += [(region, dtype) for region in regions for dtype in region.dtypes or FORMATS]
        return self.found

    def is_base(self, region: Region) -> bool:
        """Whether another region is about the same cases."""
        return any(law.region.base == region for law in self.laws)

    def drawing(self, place: int, *, ladder: bool) -> Drawing:
        """As a run of a target that offers every dtype draws it: any other run draws these examples and more."""
        region, dtype = self.stations[place]
        return self.corpus.drawing(region, dtype, dtypes=len(FORMATS), ladder=ladder)

    def lanes(self) -> Iterator[Lane]:
        """Lanes of one drawing for what runs as it is, and one a target that compiles, which then compiles once.

        What takes longest comes first, so that no process is left with it at the end.
        """
        places = range(len(self.stations))
        eager = tuple(name for name, suspect in self.suspects.items() if not suspect.compiles)
        lanes = [Lane(targets, (place,)) for place in places for targets in _even(self.judged(place, eager))]
        yield from sorted(lanes, key=self._work, reverse=True)
        for name in (name for name, suspect in self.suspects.items() if suspect.compiles):
            yield Lane((name,), tuple(place for place in places if self.judged(place, (name,))))

    def judged(self, place: int, names: Sequence[str]) -> tuple[str, ...]:
        """Those that are judged in the dtype of a place."""
        return tuple(name for name in names if self.suspects[name].is_judged_in(*self.stations[place]))

    def _work(self, lane: Lane) -> int:
        region, _ = self.stations[lane.places[0]]
        laws = sum(law.region == region for law in self.laws)
        return laws * len(lane.targets) * self.drawing(lane.places[0], ladder=False).count


def _even(names: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Parts of about the same length, none longer than a lane may be."""
    parts = ceil(len(names) / LONGEST)
    for part in range(parts):
        yield names[part * len(names) // parts : (part + 1) * len(names) // parts]


def course(collection: Collection, corpus: Corpus, *, thorough: bool) -> Course:
    """The sound variants first, then the bugs.  What needs a framework that is not there is absent, with the reason."""
    suspects: dict[str, Suspect] = {}
    absent: dict[str, str] = {}
    every: tuple[Bug | Sound, ...] = (*collection.sound, *collection.bugs)
    for each in every:
        if isinstance(each, Sound) and each.slow and not thorough:
            absent[each.id] = "it takes seconds to compile: it is judged in profile thorough"
            continue
        try:
            suspects[each.id] = _suspect(each, thorough=thorough)
        except (ModuleNotFoundError, LoadError) as error:
            absent[each.id] = str(error)
    return Course(suspects, collection.laws, corpus, absent)


def _suspect(each: Bug | Sound, *, thorough: bool) -> Suspect:
    """Sound variants in float32 alone, unless there is time."""
    if isinstance(each, Bug):
        return Suspect(each.id, each.make, each.make(), each.dtypes, each.expected)
    dtypes = each.dtypes if thorough or PLAIN not in each.dtypes else (PLAIN,)
    return Suspect(each.id, each.make, each.make(), dtypes, None)


def few_shapes(cases: Sequence[Case]) -> list[Case]:
    """The cases of the few shapes that are compiled."""
    shapes = list(dict.fromkeys(case.x.shape for case in cases))
    chosen = sorted(
        shapes, key=lambda shape: PREFERRED.index(shape) if shape in PREFERRED else len(PREFERRED)
    )
    return [case for case in cases if case.x.shape in chosen[:COMPILED_SHAPES]]
