/* What the platform gave up on: the message of a blob that is overwritten once, and that of its overwriting, lie in a
   poison queue. The redrive writes each as a row by name, the drain looks at the blob and writes the row of the version
   that is there, then sends that. Drains die anywhere, two work at once, storage fails: the look, and each write. Deletes
   of rows have no condition here: a key of its own for each arrival is enough. */
#ifndef DEATHS
#define DEATHS 2
#endif
#ifndef FAULTS
#define FAULTS 2
#endif
#define NROWS 8
byte current = 0;                /* the version in storage */
bool poison[2];
bool named[NROWS];               /* rows by name; their index is their key */
byte arrivals = 0;
bool row[2], made[2];
byte deaths = 0, faults = 0, ended = 0;
bool calm = false;

#define MAY_DIE if :: true -> skip :: !calm && deaths < DEATHS -> deaths++; goto died fi
#define MAY_FAIL !calm && faults < FAULTS -> faults++
inline park_by_name() {
#ifndef NO_ARRIVAL_KEY           /* rows by name share the key of the name */
  assert(arrivals < NROWS);
  named[arrivals] = true;
  arrivals++
#else
  named[0] = true
#endif
}
inline redrive() {
#ifdef NO_ROW_FIRST              /* the message goes before its row is written */
  atomic { poison[i] = false; MAY_DIE }
#endif
  atomic {
    if :: MAY_FAIL; is_done = false :: MAY_FAIL; park_by_name(); is_done = false :: park_by_name(); is_done = true fi;
    MAY_DIE
  }
  atomic { if :: is_done -> poison[i] = false :: else fi; MAY_DIE }
}
inline reschedule() {            /* under the key of another time: deleted and made in one transaction */
#ifndef NO_TRANSACTION           /* in two requests */
  atomic { if :: named[i] -> named[i] = false; park_by_name() :: else fi; MAY_DIE }
#else
  atomic { named[i] = false; MAY_DIE }
  atomic { park_by_name(); MAY_DIE }
#endif
}
inline route() {
  atomic { if :: MAY_FAIL; is_done = false :: v = current; is_done = true fi; MAY_DIE }
  if
  :: !is_done -> reschedule()
  :: else ->
#ifdef NO_LANE_FIRST             /* the row by name goes before the row of its version is written */
     atomic { named[i] = false; MAY_DIE }
#endif
     atomic {
       if :: MAY_FAIL; is_done = false :: MAY_FAIL; row[v] = true; is_done = false :: row[v] = true; is_done = true fi;
       MAY_DIE
     }
     atomic { if :: is_done -> named[i] = false :: else fi; MAY_DIE }
  fi
}
inline deliver() {
  atomic { made[v] = true; MAY_DIE }
  atomic { row[v] = false; MAY_DIE }
}
proctype Drain() {
  byte v, i; bool is_done;
  do
  :: atomic { i < 2 && !poison[i] -> i++ }
  :: i < 2 && poison[i] -> redrive(); i++
  :: i == 2 -> break
  od;
  i = 0;
  do
  :: atomic { i < NROWS && !named[i] -> i++ }
  :: i < NROWS && named[i] -> route(); i++
  :: i == NROWS -> break
  od;
  v = 0;
  do
  :: atomic { v < 2 && !row[v] -> v++ }
  :: v < 2 && row[v] -> deliver(); v++
  :: v == 2 -> break
  od;
died: atomic { v = 0; i = 0; is_done = false; ended++ }
}
init {
  atomic { poison[0] = true; run Drain(); run Drain() }
  atomic { current = 1; poison[1] = true }          /* overwritten, at any moment */
  ended == 2;
  calm = true;
  run Drain();
  ended == 3;
  assert(made[1]);                                  /* what is there now has its run */
  byte n;
  for (n : 0 .. 1) { assert(!row[n] && !poison[n]) }                  /* every row ends */
  for (n : 0 .. NROWS - 1) { assert(!named[n]) }
}
