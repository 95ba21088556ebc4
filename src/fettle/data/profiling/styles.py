"""The look of profiles: one style sheet, scoped to `.fp`, for light and dark."""

from __future__ import annotations

STYLE = """<style>
.fp{--fp-text:#1d2430;--fp-soft:#667085;--fp-line:#e4e7ec;--fp-card:#fff;--fp-back:#f6f7f9;--fp-bar:#3b6fd4;
--fp-warn:#c8641b;font:14px/1.45 system-ui,-apple-system,"Segoe UI",sans-serif;color:var(--fp-text);max-width:1240px;
margin:0 auto}
@media (prefers-color-scheme:dark){.fp{--fp-text:#e6e9ef;--fp-soft:#98a2b3;--fp-line:#2b3240;--fp-card:#171c25;
--fp-back:#0e1218;--fp-bar:#6c9cf5;--fp-warn:#f0995a}}
body.fp-page{margin:0;padding:28px;background:#f6f7f9}
@media (prefers-color-scheme:dark){body.fp-page{background:#0e1218}}
.fp h1{font-size:20px;margin:0 0 14px;font-weight:650;overflow-wrap:anywhere}
.fp h2{font-size:16px;margin:28px 0 6px;font-weight:650}
.fp-tiles{display:flex;flex-wrap:wrap;gap:10px;margin-bottom:16px}
.fp-tiles div{background:var(--fp-card);border:1px solid var(--fp-line);border-radius:10px;
padding:10px 16px;min-width:104px}
.fp-tiles b{display:block;font-size:19px;font-weight:650;font-variant-numeric:tabular-nums}
.fp-tiles span,.fp small,.fp-hint,.fp-notes{color:var(--fp-soft);font-size:12px}
.fp-cards{display:grid;grid-template-columns:repeat(auto-fill,minmax(262px,1fr));gap:12px}
.fp-card{background:var(--fp-card);border:1px solid var(--fp-line);border-radius:10px;padding:12px 14px;min-width:0}
.fp-card header{display:flex;justify-content:space-between;gap:8px;align-items:baseline}
.fp-card header b{overflow:hidden;text-overflow:ellipsis;white-space:nowrap;font-weight:620}
.fp-card header i{font-style:normal;font-size:11px;color:var(--fp-soft);border:1px solid var(--fp-line);
border-radius:99px;padding:0 8px;flex:none}
.fp-full{height:4px;border-radius:2px;background:var(--fp-warn);margin:8px 0 3px;overflow:hidden}
.fp-full u{display:block;height:100%;background:var(--fp-bar);opacity:.45}
.fp svg{width:100%;height:54px;display:block;margin-top:8px}
.fp rect{fill:var(--fp-bar)}
.fp-ends{display:flex;justify-content:space-between;font-size:11px;color:var(--fp-soft);
border-top:1px solid var(--fp-line);padding-top:2px;font-variant-numeric:tabular-nums}
.fp-none{height:54px;display:grid;place-items:center;color:var(--fp-soft);font-size:12px;margin-top:8px}
.fp dl{display:grid;grid-template-columns:auto 1fr;gap:1px 10px;margin:8px 0 0;font-size:12px}
.fp dt{color:var(--fp-soft)}
.fp dd{margin:0;text-align:right;font-variant-numeric:tabular-nums;overflow-wrap:anywhere}
.fp-bars{list-style:none;margin:8px 0 0;padding:0;font-size:12px}
.fp-bars li{position:relative;display:flex;justify-content:space-between;gap:8px;padding:1px 6px;margin:0 0 2px}
.fp-bars u{position:absolute;inset:0 auto 0 0;background:var(--fp-bar);opacity:.22;border-radius:3px}
.fp-bars span{overflow:hidden;text-overflow:ellipsis;white-space:nowrap;position:relative}
.fp-bars b{font-weight:500;color:var(--fp-soft);font-variant-numeric:tabular-nums;position:relative}
.fp-scroll{overflow-x:auto;background:var(--fp-card);border:1px solid var(--fp-line);border-radius:10px;padding:12px}
.fp table{border-collapse:collapse;font-size:12px;color:var(--fp-text)}
.fp-matrix td{width:40px;height:26px;text-align:center;border:1px solid var(--fp-line);
font-variant-numeric:tabular-nums}
.fp-matrix th{font-weight:500;text-align:right;padding:2px 8px;white-space:nowrap;color:var(--fp-soft)}
.fp-matrix tr:first-child th{vertical-align:bottom;padding:4px 0;text-align:center}
.fp-matrix tr:first-child span{writing-mode:vertical-rl;transform:rotate(180deg);max-height:110px;overflow:hidden}
.fp-changes{width:100%}
.fp-changes th{text-align:left;padding:5px 10px;font-weight:600;vertical-align:top}
.fp-changes tr:first-child th{color:var(--fp-soft);font-weight:500;border-bottom:1px solid var(--fp-line)}
.fp-changes td{padding:5px 10px;border-top:1px solid var(--fp-line);color:var(--fp-soft);vertical-align:top;
font-variant-numeric:tabular-nums}
.fp-changes td:first-of-type{min-width:280px}
.fp-changes tr.fp-moved td:first-of-type{color:var(--fp-warn);font-weight:500}
</style>"""
