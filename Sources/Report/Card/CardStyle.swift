/// How a card looks. Colours of series are Okabe and Ito's, which most colour-blind people can tell apart.
enum CardStyle {
  static let css = """
    :root { color-scheme: light dark; --bg: #fff; --fg: #1c2127; --soft: #5b6570; --line: #d9dee3; --box: #f5f7f9;
      --warn: #fff4d6; --edge: #c98a00; --s0: #0072b2; --s1: #d55e00; --s2: #009e73; --s3: #cc79a7; --s4: #b58900; --s5: #56b4e9; }
    @media (prefers-color-scheme: dark) { :root { --bg: #14171b; --fg: #e4e8ec; --soft: #9aa5b1; --line: #343b43; --box: #1c2126;
      --warn: #3a2f12; --edge: #e0a92e; --s0: #4fa8e0; --s1: #f08a45; --s2: #2fc79a; --s3: #e29cc4; --s4: #e0c050; --s5: #8fd0f5; } }
    * { box-sizing: border-box; }
    body { margin: 0; background: var(--bg); color: var(--fg); font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
    main { max-width: 1020px; margin: 0 auto; padding: 28px 20px 60px; }
    h1 { font-size: 1.7em; margin: 0; line-height: 1.25; overflow-wrap: anywhere; }
    h2 { font-size: 1.25em; margin: 2em 0 .5em; padding-bottom: .2em; border-bottom: 1px solid var(--line); }
    h3 { font-size: 1.02em; margin: 1.5em 0 .4em; }
    p { margin: .6em 0; max-width: 76ch; overflow-wrap: anywhere; }
    li { max-width: 76ch; overflow-wrap: anywhere; }
    .sub { color: var(--soft); margin-top: .2em; }
    .warn { background: var(--warn); border-left: 4px solid var(--edge); padding: .5em .8em; max-width: none; }
    .wide { overflow-x: auto; margin: .8em 0; }
    table { border-collapse: collapse; font-size: 13.5px; font-variant-numeric: tabular-nums; }
    th, td { padding: .32em .8em; text-align: left; border-bottom: 1px solid var(--line); vertical-align: top; }
    th { color: var(--soft); font-weight: 600; }
    td { overflow-wrap: anywhere; max-width: 34em; }
    .k { white-space: nowrap; }
    .n { text-align: right; white-space: nowrap; }
    .figs { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 420px), 1fr)); gap: 18px; margin: 1em 0; }
    figure { margin: 0; padding: 12px; background: var(--box); border-radius: 8px; }
    figcaption { color: var(--soft); font-size: 13px; margin-top: 6px; overflow-wrap: anywhere; }
    svg { display: block; width: 100%; height: auto; max-width: 620px; margin: 0 auto; }
    svg text { font-family: inherit; fill: var(--fg); font-size: 12px; }
    svg .tt { fill: var(--soft); }
    svg .halo { paint-order: stroke; stroke: var(--box); stroke-width: 3px; }
    svg .grid { stroke: var(--line); stroke-width: 1; fill: none; }
    svg .axis { stroke: var(--soft); stroke-width: 1; fill: none; }
    svg .line { fill: none; stroke-width: 2; stroke-linejoin: round; }
    svg .ref { stroke: var(--soft); stroke-width: 1.3; stroke-dasharray: 5 4; }
    svg .rug { stroke: var(--soft); stroke-width: 1; }
    svg .s0 { stroke: var(--s0); } svg .s1 { stroke: var(--s1); } svg .s2 { stroke: var(--s2); }
    svg .s3 { stroke: var(--s3); } svg .s4 { stroke: var(--s4); } svg .s5 { stroke: var(--s5); }
    svg .f0 { fill: var(--s0); } svg .f1 { fill: var(--s1); } svg .f2 { fill: var(--s2); } svg .f3 { fill: var(--s3); }
    svg .fs { fill: var(--soft); }
    @media print { :root { color-scheme: light; --bg: #fff; --fg: #000; --soft: #444; --line: #ccc; --box: #fff; --warn: #fff;
      --s0: #0072b2; --s1: #d55e00; --s2: #009e73; --s3: #cc79a7; --s4: #b58900; --s5: #56b4e9; }
      main { max-width: none; padding: 0; } body { font-size: 11pt; } figure, tr, .warn { break-inside: avoid; }
      .wide { overflow: visible; } table { font-size: 8.5pt; } th, td { padding: .25em .5em; }
      h2, h3 { break-after: avoid; } .figs { grid-template-columns: 1fr 1fr; } }
    """
}
