/* A file that waits for its companion: docs/decisions/0064-companions.md describes the protocol. The file's event, the
   companion's event and a drain at the deadline, each dying anywhere; the platform calls the two handlers again. */
bool companion;            /* it is in storage */
bool row, letter, made;    /* made: the run is created, or a row without a deadline will create it */
byte row_etag, letter_etag;
byte ended = 0;
bool drain_died = false;

#define MAYBE_DIE if :: lives -> skip :: !lives -> goto died :: !lives -> skip fi
inline start_row() {
  atomic { has = row; e = row_etag }
  if :: has -> c = companion;
        if :: c -> made = true; MAYBE_DIE;
              atomic { if :: row && row_etag == e -> row = false :: else fi }
           :: else fi
     :: else fi
}
inline start_letter() {
  atomic { has = letter; e = letter_etag }
  if :: has -> c = companion;
        if :: c -> made = true; MAYBE_DIE;
              atomic { if :: letter && letter_etag == e -> letter = false :: else fi }
           :: else fi
     :: else fi
}
inline start_complete() {
  start_row(); MAYBE_DIE; start_letter()
}
proctype File() {
  bool has, c, lives; byte e;
  lives = false;
again:
  c = companion;
  if :: c -> made = true
     :: else ->
        MAYBE_DIE;
        atomic { row = true; row_etag++ };
        MAYBE_DIE;
#ifndef NO_LOOK
        start_complete();
#endif
  fi;
  goto over;
died: lives = true; goto again;   /* the platform calls again */
over: ended++
}
proctype Companion() {
  bool has, c, lives; byte e;
  companion = true;
  lives = false;
again:
  start_complete();
  goto over;
died: lives = true; goto again;
over: ended++
}
proctype Drain() {
  bool has, c, lives; byte e, r;
  lives = false;
  /* at the deadline; it may die and is followed by another */
again:
  atomic { has = row; r = row_etag };
  if :: has ->
        c = companion;
        if :: c -> start_complete()
           :: else ->
#ifdef NO_LETTER_FIRST
              atomic { if :: row && row_etag == r -> row = false :: else fi };
              MAYBE_DIE;
#endif
              atomic { letter = true; letter_etag++ };
              MAYBE_DIE;
#ifndef NO_LAST_LOOK
              start_complete();
              MAYBE_DIE;
#endif
              atomic { if :: row && row_etag == r -> row = false :: else fi }
        fi
     :: else fi;
  goto over;
died: lives = true; drain_died = true; goto again;
over: ended++
}
#ifndef NDRAIN
#define NDRAIN 1
#endif
init {
  atomic { run File(); run Companion(); byte i; for (i : 1 .. NDRAIN) { run Drain() } }
  ended == 2 + NDRAIN;
  assert(made);                       /* at once, not only at a deadline */
  assert(!letter || drain_died)
}
