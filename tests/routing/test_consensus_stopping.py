"""When another answer is worth its price, and what audited scenes teach about the others."""

import numpy as np
import pytest

from routing.consensus.boxes import fuse_boxes
from routing.consensus.contract import FuseError
from routing.consensus.existence import Sight
from routing.consensus.scene_audit import SceneAudit, fit_scene_audit
from routing.consensus.scenes import BoxCrowd, Hand, SceneConsensus, fuse_scene
from routing.consensus.stopping import gain_of_answer, gain_of_look, next_look

EMPTY = np.zeros((0, 4))
ONE = np.array([[10.0, 10, 60, 110]])
FAR = np.array([[500.0, 10, 560, 110]])


def crowd(**sigmas: float) -> BoxCrowd:
    names = tuple(sorted(sigmas))
    return BoxCrowd(names, Sight.unknown(len(names)), {name: Hand(sigmas[name]) for name in names})


class TestGainOfAnswer:
    def test_falls_with_every_answer_and_rises_with_disagreement(self) -> None:
        dice = np.random.default_rng(0)
        near = ONE + dice.normal(size=(6, 4))
        wide = ONE + 8 * dice.normal(size=(6, 4))

        gains = [gain_of_answer(fuse_boxes(near[:n])) for n in (1, 3, 6)]

        assert gains == sorted(gains, reverse=True)
        assert gain_of_answer(fuse_boxes(wide[:3])) > gain_of_answer(fuse_boxes(near[:3]))


class TestGainOfLook:
    def test_is_greater_where_people_disagree_about_existence(self) -> None:
        agreed = fuse_scene({"ada": ONE, "bea": ONE})
        disputed = fuse_scene({"ada": ONE, "bea": np.concatenate([ONE, FAR])})
        people = crowd(ada=0.05, bea=0.05, eve=0.05)

        assert gain_of_look(disputed, people, "eve") > gain_of_look(agreed, people, "eve") > 0

    def test_shrinks_with_every_look(self) -> None:
        people = crowd(a=0.05, b=0.05, c=0.05, d=0.05, e=0.05)

        gains = [gain_of_look(fuse_scene(dict.fromkeys("abcd"[:n], ONE)), people, "e") for n in range(5)]

        assert gains == sorted(gains, reverse=True)

    def test_prefers_the_steady_hand_and_takes_a_stranger_for_average(self) -> None:
        scene = fuse_scene({"ada": ONE})
        people = crowd(ada=0.1, steady=0.03, shaky=0.3)

        assert gain_of_look(scene, people, "steady") > gain_of_look(scene, people, "shaky")
        assert gain_of_look(scene, people, "nobody knows") > 0


class TestNextLook:
    def test_asks_the_best_of_those_available_first(self) -> None:
        people = crowd(ada=0.1, steady=0.03, shaky=0.3)

        assert next_look(fuse_scene({}), people, ["shaky", "steady"], price=0.01) == "steady"

    def test_asks_nobody_when_no_look_is_worth_its_price_or_nobody_is_there(self) -> None:
        scene = fuse_scene({f"p{i}": ONE for i in range(6)})

        assert next_look(scene, crowd(ada=0.1), ["ada"], price=0.05) is None
        assert next_look(scene, crowd(ada=0.1), [], price=0.0) is None


class TestExpectedErrors:
    def test_counts_doubt_misses_and_misplaced_boxes(self) -> None:
        sure = fuse_scene({f"p{i}": ONE for i in range(6)})
        lone = fuse_scene({"p0": ONE})

        assert lone.expected_errors() > sure.expected_errors() > sure.missed > 0


class TestFitSceneAudit:
    @staticmethod
    def scenes(count: int) -> list[SceneConsensus]:
        both = np.concatenate([ONE, FAR])
        return [fuse_scene({"ada": both, "bea": ONE, "eve": ONE}) for _ in range(count)]

    def test_believes_what_is_usual_without_audits(self) -> None:
        assert fit_scene_audit([], []) == SceneAudit()

    def test_believes_single_marks_more_when_rulings_confirm_them(self) -> None:
        scenes = self.scenes(20)
        both = np.concatenate([ONE, FAR])

        confirmed = fit_scene_audit(scenes, [both] * 20).applied(scenes[0])
        refuted = fit_scene_audit(scenes, [ONE] * 20).applied(scenes[0])

        assert min(o.p_exists for o in confirmed.objects) > min(o.p_exists for o in scenes[0].objects)
        assert min(o.p_exists for o in refuted.objects) < min(o.p_exists for o in scenes[0].objects)

    def test_learns_how_many_objects_this_crowd_never_sees(self) -> None:
        scenes = self.scenes(120)
        hidden = np.array([[800.0, 800, 820, 840]])
        rulings = [np.concatenate([ONE, hidden]) if i % 2 else ONE for i in range(120)]

        audit = fit_scene_audit(scenes, rulings)

        expected = np.mean([audit.applied(scene).missed for scene in scenes])
        assert expected == pytest.approx(0.5, rel=0.5)
        assert fit_scene_audit(scenes, [ONE] * 120).applied(scenes[0]).missed < expected / 3

    def test_keeps_a_scene_consistent(self) -> None:
        scenes = self.scenes(10)

        applied = fit_scene_audit(scenes, [ONE] * 10).applied(scenes[0])

        for one in applied.objects:
            assert sum(one.kinds) == pytest.approx(1)
            assert one.kinds[0] + one.kinds[1] == pytest.approx(one.p_exists)
        assert applied.looks == 3

    def test_refuses_rulings_that_do_not_pair_with_the_scenes(self) -> None:
        with pytest.raises(FuseError, match="rulings: 1 for 2 scenes"):
            fit_scene_audit(self.scenes(2), [ONE])
