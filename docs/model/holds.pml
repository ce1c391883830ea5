/* A lane whose DAG is broken and then repaired, and a person who holds the lane and ends that: the state `!` of the lane,
   with columns for each of the two, one row, live calls and drains that die between any two requests. A person's hold
   stands until the person ends it, whatever the app writes meanwhile; when all is well each row ends, and so does the
   state. A hold on everything is the state of another partition, and is written by the same functions. */
#ifndef DEATHS
#define DEATHS 1
#endif
#ifndef PASSES
#define PASSES 1                 /* of each drain */
#endif
#ifndef NLIVE
#define NLIVE 1
#endif
bool broken = true;              /* the DAG */
bool row, made;
bool state = false;              /* there is a row `!` */
byte same = 0;                   /* a bit for each process: it has read the state, and nobody has written it since */
bool held = false, due = false;  /* the app's hold; its next probe has come */
bool person = false;             /* the person's hold */
bool holding = false;            /* the person was told that it stands, and has not begun to end it */
byte deaths = 0, ended = 0;
bool calm = false;

#define MAY_DIE if :: true -> skip :: !calm && deaths < DEATHS -> deaths++; goto died fi
#define READ same = same | (1 << _pid)
#define SAME (same & (1 << _pid))
#define WROTE same = 0
#define KEPT assert(!holding || person)
#ifndef NO_PERSON_COLUMNS        /* a person's hold is one like the app's: a success ends it */
#define LEFT saw_person
#else
#define LEFT false
#endif
inline hold() {                  /* reads the state, then merges what is new */
  atomic { saw_person = person; MAY_DIE }
  atomic {
    state = true; WROTE; held = true; due = false;
#ifdef NO_NEWS_ONLY              /* the whole state is written, with what was read of the person's hold */
    person = person || saw_person;
#endif
    MAY_DIE
  }
}
inline lift() {                  /* until the state that was read is the one that is changed */
  is_done = false;
  do
  :: !is_done ->
     atomic { READ; saw_person = person; is_done = !state; MAY_DIE }
     atomic {
       if
#ifndef NO_LIFT_ETAG             /* whoever has changed it since */
       :: !is_done && SAME ->
#else
       :: !is_done ->
#endif
          held = false; person = LEFT; state = person; WROTE; is_done = true; KEPT
       :: else
       fi;
       MAY_DIE
     }
  :: else -> break
  od
}
inline drop_state() {
  atomic {
    if
#ifndef NO_DROP_ETAG             /* whoever has changed it since */
    :: SAME ->
#else
    :: true ->
#endif
       state = false; held = false; person = false; WROTE; KEPT
    :: !SAME
    fi;
    MAY_DIE
  }
}
proctype Live() {
  bool saw_person;
again:
  atomic { if :: held || person -> goto park :: true -> skip fi }        /* it may not know of a hold */
  atomic { if :: !broken -> made = true; goto over :: else -> skip fi; MAY_DIE }
park:
  atomic { row = true; MAY_DIE }
  atomic { if :: !broken -> goto over :: true -> skip fi }               /* it waits because of a hold that it saw */
  hold();
  goto over;
died: goto again;
over: ended++
}
proctype Drain(byte passes) {
  bool has_state, saw_held, saw_person, is_done;
  do
  :: passes > 0 ->
     passes--;
     atomic { has_state = state; READ; saw_held = held; saw_person = person;
       if
       :: person -> skip
#ifdef NO_PROBE                  /* a hold of the app's own is left alone, too */
       :: !person && held -> skip
#else
       :: !person && held && !due -> if :: calm -> due; goto scan :: else fi
#endif
       :: else -> goto scan
       fi
     }
     goto next;
scan:
     if
     :: row ->
        atomic { is_done = !broken; if :: is_done -> made = true :: else fi; MAY_DIE }
        if
        :: !is_done -> hold()
        :: else ->
           if :: saw_held -> lift() :: else fi;
           atomic { row = false; MAY_DIE }
        fi;
        goto next
     :: else
     fi;
#ifndef NO_DROP                  /* the hold of a lane without rows is left */
     if :: has_state -> drop_state() :: else fi;
#endif
next: atomic { has_state = false; saw_held = false; saw_person = false; is_done = false }
  :: else -> break
  od;
died: atomic { has_state = false; saw_held = false; saw_person = false; is_done = false; passes = 0; ended++ }
}
proctype Person() {
  bool is_done = false, was;
  do                             /* hold_by_person */
  :: !is_done ->
     atomic { READ; was = state }
     atomic {
       if
       :: was && state && SAME -> person = true; WROTE; is_done = true
       :: !was && !state -> state = true; person = true; WROTE; is_done = true
       :: else
       fi;
       holding = is_done
     }
  :: else -> break
  od;
  holding = false; is_done = false;
  do                             /* release */
  :: !is_done ->
     atomic { READ; is_done = !state }
     atomic { if :: !is_done && SAME -> person = false; state = held; WROTE; is_done = true :: else fi }
  :: else -> break
  od;
  ended++
}
active proctype Time() {
end:
  do :: atomic { held && !due -> due = true } od
}
active proctype Repair() { broken = false }
init {
  atomic { byte n; for (n : 1 .. NLIVE) { run Live() } run Drain(PASSES); run Drain(PASSES); run Person() }
  ended == NLIVE + 3 && !broken;
  calm = true;
  run Drain(2);                   /* its first pass sends the row, its second drops the state */
  ended == NLIVE + 4;
  assert(made && !row);                   /* every row ends */
  assert(!state)                                                      /* and every hold of the app */
}
