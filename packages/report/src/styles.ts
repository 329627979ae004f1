/** The page's style sheet: the system's own fonts, light or dark as the reader has it, fit for print. */
export const styles = `
:root{--ground:#fff;--text:#1f2328;--soft:#59636e;--line:#d1d9e0;--panel:#f6f8fa;--good:#1a7f37;--bad:#cf222e;--warn:#9a6700;--link:#0969da}
@media(prefers-color-scheme:dark){:root{--ground:#0d1117;--text:#e6edf3;--soft:#9198a1;--line:#30363d;--panel:#161b22;--good:#3fb950;--bad:#ff7b72;--warn:#d29922;--link:#58a6ff}}
*{box-sizing:border-box}
body{margin:0;background:var(--ground);color:var(--text);font:15px/1.5 system-ui,-apple-system,"Segoe UI",sans-serif}
main{max-width:960px;margin:0 auto;padding:32px 20px 64px}
h1{font-size:26px;line-height:1.2;margin:0 0 4px}
h2{font-size:18px;margin:36px 0 10px;padding-bottom:5px;border-bottom:1px solid var(--line)}
p{margin:8px 0}
.subtitle,caption{color:var(--soft)}
a{color:var(--link)}
.figures{display:flex;flex-wrap:wrap;gap:10px;margin:14px 0}
.figures div{background:var(--panel);border:1px solid var(--line);border-radius:8px;padding:8px 14px;min-width:104px}
.figures dt{color:var(--soft);font-size:12px}
.figures dd{margin:0;font-size:19px;font-weight:600;font-variant-numeric:tabular-nums}
.scroll{overflow-x:auto;margin:10px 0}
table{border-collapse:collapse;width:100%;font-size:14px}
caption{text-align:left;padding-bottom:6px}
th,td{text-align:left;vertical-align:top;padding:6px 10px;border-bottom:1px solid var(--line)}
th{font-size:12px;color:var(--soft);font-weight:600}
th.number,td.number{text-align:right;font-variant-numeric:tabular-nums}
pre{background:var(--panel);border:1px solid var(--line);border-radius:8px;padding:10px 14px;overflow-x:auto}
code{font:13px/1.45 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;overflow-wrap:anywhere}
pre code{overflow-wrap:normal}
.chart{display:block;width:100%;height:auto;margin:14px 0}
details{margin:8px 0;border:1px solid var(--line);border-radius:8px;padding:6px 12px}
summary{cursor:pointer}
.good{color:var(--good)}.bad{color:var(--bad)}.warn{color:var(--warn)}.muted{color:var(--soft)}
span.good,span.bad,span.warn{font-weight:600}
@media print{main{max-width:none;padding:0}section{break-inside:avoid-page}}
`.trim()
