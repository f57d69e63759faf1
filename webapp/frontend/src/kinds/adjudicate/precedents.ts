/** Earlier rulings on cases like this one: what was shown, proposed and ruled, and why. */

import type { Box } from "../../canvas/geometry";
import { el, svg } from "../../lib/dom";
import { t } from "../../messages";
import type { Precedent } from "./case";
import { FEATURES, type Feature } from "./model";

/** A row that leads to the ruling's own page. */
export function precedentRow(precedent: Precedent): HTMLElement {
  const seen = FEATURES.filter((feature: Feature) => precedent.rubric.includes(feature));
  const words = [precedent.mine && t("adjudicate.own"), ...seen.map((f) => t(`adjudicate.rubric_${f}`))];
  return el(
    "li",
    {},
    el(
      "a",
      { href: `/desk/rulings/${precedent.id}/`, target: "_blank", rel: "noopener" },
      picture(precedent),
      el(
        "span",
        { class: "precedent-text" },
        el("span", { class: "precedent-ruling" }, t(`adjudicate.outcome_${precedent.ruling}`)),
        el("span", { class: "precedent-why" }, words.filter(Boolean).join(" · ")),
        precedent.note && el("span", { class: "precedent-why", dir: "auto" }, precedent.note),
      ),
    ),
  );
}

function picture(precedent: Precedent): SVGElement {
  const [x, y, width, height] = precedent.view;
  return svg(
    "svg",
    { viewBox: `${x} ${y} ${width} ${height}`, "aria-hidden": "true" },
    svg("image", { href: `/desk/rulings/${precedent.id}/crop.jpg`, x, y, width, height }),
    frame("proposed", precedent.proposed),
    precedent.ruled && frame("ruled", precedent.ruled),
  );
}

function frame(name: string, [x1, y1, x2, y2]: Box): SVGElement {
  return svg("rect", {
    class: name,
    "vector-effect": "non-scaling-stroke",
    x: x1,
    y: y1,
    width: x2 - x1,
    height: y2 - y1,
  });
}
