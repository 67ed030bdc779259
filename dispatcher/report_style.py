"""How the quality report looks: one sheet in the page itself, light or dark as the reader's screen is, also printed."""

STYLE = """
:root{color-scheme:light dark;--page:#f5f6f8;--card:#fff;--ink:#1a1f26;--soft:#5a6573;--rule:#e1e5ea;--accent:#2563c9;
--band:#e6edf9;--bad:#b3261e;--badcard:#fdf1ef;--badrule:#f0c9c4;--good:#1a7a4a;--goodcard:#eef8f2;--goodrule:#c5e6d3}
@media (prefers-color-scheme:dark){:root{--page:#12151a;--card:#1a1f26;--ink:#e7eaee;--soft:#9aa5b3;--rule:#2c333d;
--accent:#7fadff;--band:#24314a;--bad:#ff8f80;--badcard:#2a1b1a;--badrule:#5a302b;--good:#6fd3a0;--goodcard:#16261e;
--goodrule:#25503a}}
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--ink);font:14px/1.5 -apple-system,"Segoe UI",Roboto,
"Helvetica Neue",system-ui,Arial,sans-serif}
main{max-width:1120px;margin:0 auto;padding:32px 24px 40px}
h1{font-size:26px;line-height:1.2;margin:2px 0 4px;letter-spacing:-.01em}
h2{font-size:17px;margin:36px 0 12px}
h3{font-size:15px;margin:0 0 12px}
h4{font-size:12px;font-weight:600;color:var(--soft);margin:0 0 4px}
p{margin:0}
.soft{color:var(--soft)}
.verdict{border:1px solid var(--goodrule);background:var(--goodcard);color:var(--good);border-radius:8px;
padding:10px 16px;margin:20px 0;font-weight:600}
.verdict.bad{border-color:var(--badrule);background:var(--badcard);color:var(--bad)}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(190px,1fr));gap:12px}
.card{background:var(--card);border:1px solid var(--rule);border-radius:8px;padding:14px 16px}
.tile b{display:block;font-size:24px;line-height:1.3;font-weight:600;font-variant-numeric:tabular-nums}
.tile span{display:block;color:var(--soft);font-size:12.5px}
.strange{border-left:4px solid var(--bad);margin-bottom:10px}
.strange h3{margin:0 0 2px}
.strange td{padding:7px 0}
.strange td:last-child{width:156px}
.wide{overflow-x:auto;padding:4px 0}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
th{text-align:left;font-weight:600;font-size:12px;color:var(--soft);padding:8px 12px;
border-bottom:1px solid var(--rule);white-space:nowrap}
td{padding:8px 12px;border-bottom:1px solid var(--rule);vertical-align:middle}
tr:last-child td{border-bottom:0}
.n{text-align:right;white-space:nowrap}
.name{font-weight:600;overflow-wrap:break-word}
.datasets td,.datasets th{padding:8px 10px}
.datasets .name{min-width:110px;max-width:280px}
code{font-size:.92em}
.odd{color:var(--bad);font-weight:600}
.parts{display:grid;grid-template-columns:repeat(auto-fit,minmax(300px,1fr));gap:20px 32px}
.parts th,.parts td{padding:4px 10px 4px 0}
.parts .n{padding-right:0}
.codes+.codes{margin-top:14px}
.file{overflow-wrap:anywhere;font-size:13px}
.file code{font-size:11.5px;color:var(--soft)}
.detail{margin-bottom:12px}
svg{display:block}
td svg.spark{margin:0 0 0 auto}
.line{fill:none;stroke:var(--accent);stroke-width:1.5;stroke-linejoin:round;stroke-linecap:round}
.dot{fill:var(--accent)}
.dot.odd{fill:var(--bad)}
.band{fill:var(--band)}
.rail{fill:var(--band)}
.fill{fill:var(--accent)}
.fill.bad{fill:var(--bad)}
footer{margin-top:36px;border-top:1px solid var(--rule);padding-top:14px;color:var(--soft);font-size:12.5px}
footer p{margin-bottom:6px}
@media print{body{background:#fff}.card{break-inside:avoid}}
"""
