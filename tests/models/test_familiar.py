"""What a model recognises: objects like those it learned from are near, others are far."""

import pytest
import torch

from models.familiar import LEAST, MOST, NEAREST, Familiar, familiar


def cloud(count: int, seed: int, axis: int = 0) -> torch.Tensor:
    """Embeddings (count, 16) around one axis."""
    noise = torch.randn((count, 16), generator=torch.Generator().manual_seed(seed))
    return 0.1 * noise + torch.eye(16)[axis]


def known() -> Familiar:
    found = familiar(cloud(300, 1), cloud(200, 2), seed=0)
    assert found is not None
    return found


class TestNovelty:
    def test_of_objects_of_the_known_kind_is_spread_evenly(self) -> None:
        novelty, strange = known()(cloud(2000, 3))

        assert novelty.mean() == pytest.approx(0.5, abs=0.06)
        assert (novelty > 0.95).float().mean() == pytest.approx(0.05, abs=0.04)
        assert strange.median() == pytest.approx(0.0, abs=0.06)

    def test_of_another_kind_is_the_highest_and_strangeness_tells_how_far_it_is(self) -> None:
        between = cloud(50, 4) + cloud(50, 5, axis=1)
        novelty, strange = known()(torch.cat((between, cloud(50, 6, axis=1))))

        assert novelty.min() == 1.0
        assert 0 < strange[:50].max() < strange[50:].min()

    def test_does_not_depend_on_the_length_of_an_embedding(self) -> None:
        rows = cloud(20, 7)

        for ours, longer in zip(known()(rows), known()(7.0 * rows), strict=True):
            torch.testing.assert_close(ours, longer)

    def test_of_nothing_is_nothing(self) -> None:
        novelty, strange = known()(torch.zeros((0, 16)))

        assert novelty.shape == strange.shape == (0,)


class TestFamiliar:
    def test_is_not_told_from_too_few_objects(self) -> None:
        assert familiar(cloud(LEAST - 1, 1), cloud(200, 2), seed=0) is None
        assert familiar(cloud(200, 1), cloud(LEAST - 1, 2), seed=0) is None

    def test_keeps_a_bounded_number_of_embeddings_and_always_the_same(self) -> None:
        many = cloud(MOST + 500, 1)
        first, again = familiar(many, cloud(60, 2), seed=4), familiar(many, cloud(60, 2), seed=4)

        assert first is not None and again is not None
        assert len(first.bank) == MOST
        assert torch.equal(first.bank, again.bank)

    def test_comes_back_from_its_tensors(self) -> None:
        one, again = known(), Familiar.of(known().tensors())

        assert torch.equal(one(cloud(9, 8))[0], again(cloud(9, 8))[0])

    def test_of_the_wrong_shape_is_refused(self) -> None:
        with pytest.raises(ValueError, match="familiar"):
            Familiar.of({"bank": torch.zeros((NEAREST - 1, 4)), "levels": torch.zeros(5)})
