/** Line icons on a 20 x 20 grid, drawn for this page. */

import { svg } from "../lib/dom";

const PATHS: Readonly<Record<string, string>> = {
  check: "M4 10.5 8.2 14.7 16 6",
  cross: "M5 5 15 15 M15 5 5 15",
  unsure: "M7.2 7.4a2.9 2.9 0 1 1 4.2 2.6c-.9.5-1.4 1-1.4 2 M10 15.2v.1",
  skip: "M5 5l6 5-6 5z M14.5 5v10",
  report: "M5 17V3.5h9.5l-2 3.5 2 3.5H5",
  help: "M7.2 7.4a2.9 2.9 0 1 1 4.2 2.6c-.9.5-1.4 1-1.4 2 M10 15.2v.1",
  guideline: "M4 4.2c2.2-.9 4.2-.7 6 .8 1.8-1.5 3.8-1.7 6-.8v11.3c-2.2-.9-4.2-.7-6 .8-1.8-1.5-3.8-1.7-6-.8z M10 5v11.3",
  why: "M10 3a4.6 4.6 0 0 0-2.6 8.4c.6.5.9 1 .9 1.8h3.4c0-.8.3-1.3.9-1.8A4.6 4.6 0 0 0 10 3z M8.4 16.3h3.2",
  theme: "M10 3.2a6.8 6.8 0 1 0 0 13.6z M10 3.2a6.8 6.8 0 0 1 0 13.6",
  undo: "M7.5 4 4 7.5 7.5 11 M4 7.5h7a4.5 4.5 0 0 1 0 9H8",
  redo: "M12.5 4 16 7.5 12.5 11 M16 7.5H9a4.5 4.5 0 0 0 0 9h3",
  zoom_in: "M13 13l4 4 M8.5 14a5.5 5.5 0 1 1 0-11 5.5 5.5 0 0 1 0 11z M8.5 6v5 M6 8.5h5",
  zoom_out: "M13 13l4 4 M8.5 14a5.5 5.5 0 1 1 0-11 5.5 5.5 0 0 1 0 11z M6 8.5h5",
  fit: "M3.5 7V3.5H7 M13 3.5h3.5V7 M16.5 13v3.5H13 M7 16.5H3.5V13 M7.5 7.5h5v5h-5z",
  hide: "M3 3l14 14 M8 5.2A8.6 8.6 0 0 1 10 5c4 0 6.6 3 7.6 5a11 11 0 0 1-2.2 2.8 M5 6.6A11 11 0 0 0 2.4 10c1 2 3.6 5 7.6 5 1.2 0 2.3-.3 3.2-.7 M8.3 8.4a2.3 2.3 0 0 0 3.2 3.2",
  loupe: "M10 10m-6.8 0a6.8 6.8 0 1 0 13.6 0 6.8 6.8 0 1 0-13.6 0 M10 6.6v6.8 M6.6 10h6.8",
  tolerance: "M3.5 3.5h13v13h-13z M7 7h6v6H7z",
  quarter: "M3.5 3.5h13v13h-13z M10 3.5v13 M3.5 10h13",
  mark: "M3.5 3.5h13v13h-13z M7 7l6 6 M13 7l-6 6",
  corners: "M4 4h12v12H4z M2.5 2.5h3v3h-3z M14.5 14.5h3v3h-3z",
  extreme: "M4 10a6 6 0 1 1 12 0 6 6 0 0 1-12 0z M10 2.8v2.4 M10 14.8v2.4 M2.8 10h2.4 M14.8 10h2.4",
  trash: "M4 5.5h12 M8 5.5V3.5h4v2 M5.5 5.5l.8 11h7.4l.8-11",
  plus: "M10 4v12 M4 10h12",
  clear: "M4 4l12 12 M16 4 4 16",
  swap: "M4 7h11l-3-3 M16 13H5l3 3",
  back: "M11.5 4.5 6 10l5.5 5.5",
  whole: "M10 3v14 M3 10h14 M10 3 8 5 M10 3l2 2 M10 17l-2-2 M10 17l2-2 M3 10l2-2 M3 10l2 2 M17 10l-2-2 M17 10l-2 2",
  send: "M4 10h11 M10.5 5.5 15 10l-4.5 4.5",
  equal: "M4.5 7.5h11 M4.5 12.5h11",
  display:
    "M10 6.5a3.5 3.5 0 1 0 0 7 3.5 3.5 0 0 0 0-7z M10 2v2 M10 16v2 M2 10h2 M16 10h2 M4.3 4.3l1.4 1.4 M14.3 14.3l1.4 1.4 M4.3 15.7l1.4-1.4 M14.3 5.7l1.4-1.4",
  union: "M3.5 3.5h8.5v4.5h4.5v8.5H8V12H3.5z",
  apart: "M3 6.5h6v7H3z M11 6.5h6v7h-6z",
  letter_a: "M5.5 16 10 4l4.5 12 M7 12h6",
  letter_b: "M6.5 4v12h4.2a3.2 3.2 0 0 0 0-6.4H6.5 M6.5 4h3.6a2.8 2.8 0 0 1 0 5.6",
  cuboid_place: "M10 12V3.5 M10 12 7.5 9.5 M10 12l2.5-2.5 M3 13.5 6 16.5h8l3-3",
  cuboid_heading: "M4 16 16 4 M16 4h-5.5 M16 4v5.5 M4 10.5v5.5h5.5",
  cuboid_top: "M4 4h12 M10 16V7.5 M10 7.5 7.5 10 M10 7.5l2.5 2.5 M5.5 16.5h9",
  flip: "M4.5 8a6 6 0 0 1 10.8-1.5 M15.8 3v3.8H12 M15.5 12a6 6 0 0 1-10.8 1.5 M4.2 17v-3.8H8",
  ruler: "M3 13 13 3l4 4L7 17z M6.5 9.5l2 2 M9.5 6.5l2 2",
  stand: "M6.5 4h7v7h-7z M3 16.5h14 M10 11v3.5",
  more: "M5 10v.1 M10 10v.1 M15 10v.1",
};

export function icon(name: string): SVGSVGElement {
  return svg(
    "svg",
    { class: "icon", "data-icon": name, viewBox: "0 0 20 20", "aria-hidden": "true" },
    svg("path", { d: PATHS[name] ?? "", fill: "none" }),
  );
}
