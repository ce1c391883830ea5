/* One version whose run Airflow refuses until its DAG is repaired, which may be at any moment: its row, its dead letter,
   drains that die anywhere, people who replay the letter and who drop it, each with the letter as they read it, and each
   dying anywhere. The letter of somebody who died is read anew by nobody: the same command would go on. */
#ifndef NDRAIN
#define NDRAIN 2
#endif
#ifndef NREPLAY
#define NREPLAY 2
#endif
bool row = true, letter = false, claim = false, made = false, repaired = false;
byte row_etag = 1, letter_etag = 0;
bool replay_died = false;        /* between its row and its last look */
bool dropped = false;            /* a drop has come to its end */

#define LOST (!row && !letter && !made && !claim)
#define MAY_DIE if :: true -> skip :: !lives -> goto died fi
inline write_letter() {
  atomic {
    if
    :: !letter -> letter = true; letter_etag++
#ifndef NO_LETTER_WRITE          /* a letter that is there already is left as it is */
    :: letter -> letter_etag++
#else
    :: else
#endif
    fi
  }
}
inline delete_row() {
  atomic {
#ifndef NO_ROW_ETAG              /* whoever has written it meanwhile */
    if :: row && row_etag == etag -> row = false :: else fi;
#else
    row = false;
#endif
    assert(!LOST)
  }
}
proctype Drain(bool lives) {
  byte etag; bool is_refused;
end:
  atomic { row -> etag = row_etag }
  atomic { if :: repaired -> made = true; is_refused = false :: else -> is_refused = true fi; MAY_DIE }
#ifdef NO_LETTER_FIRST           /* the row goes before its letter is written */
  delete_row();
  MAY_DIE;
  if :: is_refused -> write_letter() :: else fi;
#else
  if :: is_refused -> write_letter(); MAY_DIE :: else fi;
  delete_row();
#endif
died: skip
}
inline read_letter() { atomic { letter -> etag = letter_etag } }
inline write_row() {
  atomic {
    if
    :: !row -> row = true; row_etag++
#ifndef NO_ROW_WRITE             /* a row that is there already is left as it is */
    :: row -> row_etag++
#else
    :: else
#endif
    fi
  }
}
inline delete_letter() {
  atomic {
#ifndef NO_LETTER_ETAG           /* whichever death it tells of */
    if :: letter && letter_etag == etag -> letter = false; found = true :: else -> found = !letter fi;
#else
    letter = false; found = true;
#endif
    assert(!LOST)
  }
}
inline take_out() { atomic { row = false; assert(!LOST) } }   /* whoever has written it */
proctype Replay() {
  byte etag; bool found, wrote = false; bool lives = false;
end:
  read_letter();
#ifdef NO_REPLAY_ROW_FIRST       /* the letter goes before the row is written */
  delete_letter();
#endif
  write_row();
  wrote = true;
  MAY_DIE;
#ifndef NO_LOOK_FOR_CLAIM        /* nobody looks whether it was dropped meanwhile */
  if :: claim -> take_out(); goto over :: else fi;
  wrote = false;
  MAY_DIE;
#endif
  delete_letter();
  goto over;
died: replay_died = replay_died || wrote;
over: skip
}
proctype Drop() {
  byte etag; bool found; bool lives = false;
end:
  read_letter();
#ifndef NO_CLAIM_FIRST           /* the claim is written when row and letter have gone */
  claim = true;
  MAY_DIE;
#endif
#ifndef NO_LOOK_FOR_ROW          /* a row that somebody has replayed meanwhile is left */
  take_out();
  MAY_DIE;
#endif
  delete_letter();
  MAY_DIE;
#ifdef NO_CLAIM_FIRST
  claim = true;
#endif
  dropped = found;
died: skip
}
active proctype Repair() { repaired = true }
init {
  byte n;
  atomic {
    for (n : 1 .. NDRAIN) { run Drain(false) }
    for (n : 1 .. NREPLAY) { run Replay() }
    run Drop()
  }
  timeout;                       /* nobody can do anything any more */
  assert(repaired);
  assert(!(dropped && row && !replay_died));        /* what is dropped stays so */
  run Drain(true);
  timeout;
  assert(!row)                                      /* every row ends */
}
