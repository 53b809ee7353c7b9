"""What members make of samples, in the scale of other training samples than theirs."""

from __future__ import annotations

__all__ = ["FoldScale"]

from dataclasses import replace

from torch import Tensor

from latente.anomaly.members import Backbone, Members
from latente.anomaly.views import Views
from latente.data import Schema


class FoldScale(Backbone):
    """Members of a table with shift and factor of the training rows outside a fold.

    The scale of all training rows knows the rows of the fold as well: where a column has few large values, each of them
    widens the scale by which it is measured, and a new row does not. The members take a row in their own scale, the
    linear layer in front of what they learned; what they see and rebuild, x and x_hat, is then brought to the other,
    and so are excess and limits.

    Args:
        members: trained, of a table.
        x: (n, values), scaled, the training rows outside the fold.
        schema: of the data.
    """

    farthest = Members.farthest

    def __init__(self, members: Members, x: Tensor, schema: Schema) -> None:
        super().__init__(len(members.shift))
        self.own = members
        self.learn_scale(x, schema)

    @property
    def members(self) -> int:
        return self.own.members

    def views(self, x: Tensor) -> Views:
        return self.moved(self.own.views(x))

    def moved(self, views: Views) -> Views:
        """Returns views of the members in this scale.

        Args:
            views: in the members' own.
        """
        ratio = self.factor / self.own.factor
        move = (self.own.shift - self.shift) * self.factor
        x, x_hat = (self.own.spread(values) * ratio + move for values in (views.x, views.x_hat))
        return replace(views, x=self.own.seen(x.clamp(-self.farthest, self.farthest)), x_hat=self.own.seen(x_hat))
