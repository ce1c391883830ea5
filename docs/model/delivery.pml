/* A blob from its events to its runs: it is overwritten once. Live calls and drains die anywhere, two drains work at once
   (the lease is for pace alone, so it is left out), replies are lost, requests land late, storage fails; the platform
   calls again. The trigger names the blob only, so a call sees the version that is there: two calls may see the same.
   Deletes of rows have no condition here: this protocol does not need it, dead letters and moves do. */
#ifndef DEATHS
#define DEATHS 1
#endif
#ifndef FAULTS
#define FAULTS 2
#endif
#ifndef TOLD
#define TOLD 1                   /* events of version 0; those of version 1 are one more */
#endif
#define NEVENTS (TOLD + 1)
byte current = 0;                /* the version in storage */
byte made[2];                    /* runs of each version */
bool late[2];                    /* a request that lands when its caller has given up */
bool row[2], torso[2];           /* in the lane; without its facts */
bool kept[2];                    /* somebody was told that the version is taken care of */
byte deaths = 0, faults = 0, ended = 0;
bool calm = false;               /* Airflow and storage are well, and nobody dies */

#define MAY_DIE if :: true -> skip :: !calm && deaths < DEATHS -> deaths++; goto died fi
#define MAY_FAIL !calm && faults < FAULTS -> faults++
mtype = { WELL, UNCLEAR, CONFLICT, DONE, FAILED };

#ifdef NO_RUN_ID                 /* each request has an id of its own */
#define THERE_IS(w) false
#else
#define THERE_IS(w) (made[w] > 0)
#endif
inline create(w) {
#ifdef NO_RUN_ID
  made[w]++;
#else
  made[w] = 1;
#endif
  assert(made[w] <= 1)
}
inline post(w) {
  if
  :: MAY_FAIL; create(w); reply = UNCLEAR                   /* its reply is lost */
  :: MAY_FAIL; late[w] = true; reply = UNCLEAR
  :: MAY_FAIL; reply = UNCLEAR                              /* it never arrives */
  :: MAY_FAIL; reply = CONFLICT                             /* another run has its logical date */
  :: THERE_IS(w) -> reply = CONFLICT
  :: !THERE_IS(w) -> create(w); reply = WELL
  fi;
#ifdef NO_LOOK_UP                /* a conflict counts as delivered */
  if :: reply == CONFLICT -> reply = WELL :: else fi
#else
  if :: reply == CONFLICT && made[w] > 0 -> reply = WELL :: else fi
#endif
}
inline park(w) {                 /* insert, or update what is there */
  if
  :: MAY_FAIL; wrote = FAILED
  :: MAY_FAIL; row[w] = true; torso[w] = false; wrote = FAILED       /* it is written, and the reply is lost */
  :: row[w] = true; torso[w] = false; wrote = DONE
  fi
}
inline defer(w) {
#ifdef NO_MERGE                  /* a row that has just been deleted is made again, without its facts */
  if :: !row[w] -> torso[w] = true :: else fi;
  row[w] = true;
  assert(!torso[w])
#else
  skip                           /* its columns change, if it is there still */
#endif
}
proctype Live() {
  byte v, tries; mtype reply, wrote;
again:
  atomic { tries = 0; v = current; MAY_DIE }
send:
  atomic { post(v); MAY_DIE }
  if
  :: reply == WELL -> goto over
  :: reply != WELL && tries < 1 -> tries++; goto send
  :: reply != WELL -> skip
  fi;
  atomic {
    park(v);
#ifndef NO_FAILURE               /* what cannot be written fails its invocation */
    if :: wrote == FAILED -> goto died :: else fi;
#endif
    MAY_DIE
  }
  goto over;
died: goto again;
over: atomic { kept[v] = true; v = 0; tries = 0; reply = 0; wrote = 0; ended++ }
}
inline deliver() {
#ifdef NO_POST_FIRST             /* the row goes before its run is confirmed */
  atomic { row[v] = false; MAY_DIE }
#endif
  atomic { post(v); MAY_DIE }
  atomic { if :: reply == WELL -> row[v] = false; torso[v] = false :: else -> defer(v) fi; MAY_DIE }
}
proctype Drain() {
  byte v; mtype reply;
  do :: atomic { v < 2 && !row[v] -> v++ } :: v < 2 && row[v] -> deliver(); v++ :: v == 2 -> break od;
died: atomic { v = 0; reply = 0; ended++ }
}
active proctype Network() {      /* what is under way lands some time, or never */
end:
  do
  :: atomic { late[0] -> late[0] = false; if :: true -> create(0) :: true -> skip fi }
  :: atomic { late[1] -> late[1] = false; if :: true -> create(1) :: true -> skip fi }
  od
}
init {
  byte n;
  atomic { for (n : 1 .. TOLD) { run Live() } run Drain(); run Drain() }
  current = 1;                   /* overwritten, at any moment */
  run Live();
  ended == NEVENTS + 2 && !late[0] && !late[1];
  calm = true;
  atomic { run Drain() }
  ended == NEVENTS + 3;
  assert(made[current] == 1);                       /* nothing is lost */
  assert(!kept[0] || made[0] == 1);
  assert(!row[0] && !row[1]);                       /* every row ends */
}
