import time,shutil,sys,json
from pathlib import Path
from tests.support.fault_run import *
call,when,err=sys.argv[1:4]
b=Path("/tmp/faults/x"); shutil.rmtree(b,ignore_errors=True); b.mkdir()
src=make_sources(b/"s"); data=b/"d"
t=time.monotonic(); 
def T(w):
    global t; n=time.monotonic(); print("##",w, round(n-t,2)); t=n
with Driver(data,src) as d: d.heard("started")
with Driver(data,src) as d:
    d.heard("started"); T("started")
    with traced(d,"-e",f"trace={call}","-e",f"inject={call}:error={err}:when={when}",log=b/"trace"):
        d.ask("work"); d.heard("done",seconds=5); T("worked")
    d.ask("mend"); d.heard("unasked"); T("unasked"); d.heard("mended"); T("mended")
    st,er=d.end(); T("ended")
def show(evs):
  for e in evs:
    if "documents" in e:
        print(e["event"],e["wrong"],e["found"])
        for x in e["documents"]: print("   ",x["source"],x["number"],x["state"],x["newest"],x["told"], x["sha256"][:20])
    else: print(e)
print("injected",(b/"trace").read_text().count("INJECTED"))
show(d.events); print(st,er[-3000:])
with Driver(data,src) as a:
    a.ask("mend"); a.heard("unasked"); T("unasked"); a.heard("mended"); T("mended"); print(a.end())
show(a.events)
print("VERDICT", broken_promises(d.events, said(a.events,"unasked"), src, failed_may_be=True), incomplete(said(a.events,"mended"),data,src), broken_promises(d.events, said(d.events,"unasked"), src, failed_may_be=True), incomplete(said(d.events,"mended"),data,src), [e for e in d.events if "told" in e and unfit(e["told"])])
