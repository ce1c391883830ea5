/* Files that go into one run together: docs/decisions/0065-batches.md describes the protocol. Two files, the
   first told of twice, the second TOLD times; two drains, each of which falls asleep or dies between any two operations
   and begins anew; somebody who delivers a batch's row, or drops it, at any moment; a limit that may cut a batch
   anywhere. Left out: time (any moment may be the one when the files are complete), and how a row is delivered. */
#ifndef TOLD
#define TOLD 2
#endif
#define SEALS 6
#ifdef NO_SEAL_ID
#define S(id, f) sealed[f]
#else
#define S(id, f) sealed[2 * (id) + (f)]
#endif
bool waits[2];                             /* the rows w| */
bool sealed[2 * SEALS];                    /* the rows s|seal| */
byte seal, seal_etag; bool fixed;          /* the row !seal; 0 is none */
byte seals = 0;
byte members[SEALS];                       /* of each batch, as a mask */
bool row[SEALS]; bool made[SEALS]; bool dropped[SEALS];
bool claim[2];
byte runs[2];                              /* of each file */
byte told = 0;

#define MAY_DIE if :: true -> skip :: true -> goto again fi

proctype Live(byte f) {
  byte left = (f == 0 -> 2 : TOLD);
  do
  :: left > 0 -> atomic { if :: !waits[f] -> waits[f] = true :: else fi; left--; told++ }
  :: else -> break
  od
}
inline open_seal() { seals++; assert(seals < SEALS); seal = seals; fixed = false; seal_etag = 0 }
inline close_seal() { seal = 0; fixed = false; seal_etag = 0 }
inline write_row(id) { row[id] = true }
inline take(f) {
  has = waits[f];
  if
  :: has ->
     more = true;
     is_known = claim[f];
     if
     :: is_known || (view & (1 << f)) -> waits[f] = false
     :: else ->
        atomic {
          if
#ifdef NO_ETAG
          :: waits[f] && !S(id, f) ->
#else
          :: seal == id && seal_etag == e && waits[f] && !S(id, f) ->
#endif
             waits[f] = false; S(id, f) = true;
             if :: seal == id -> seal_etag++ :: else fi
          :: else
          fi
        }
     fi
  :: else
  fi
}
proctype Drain() {
  byte id, e, view, mask; bool fx, has, is_known, more;
again:
  atomic { id = 0; e = 0; view = 0; mask = 0; fx = false; has = false; is_known = false; more = false }
  atomic { id = seal; e = seal_etag; fx = fixed };
  if
  :: id == 0 ->
end: waits[0] || waits[1] || seal != 0;             /* nothing to do until then */
     atomic { if :: seal == 0 && (waits[0] || waits[1]) -> open_seal() :: else fi };
     goto again
  :: id != 0 && !fx ->
     atomic { view = (S(id, 0) -> 1 : 0) | (S(id, 1) -> 2 : 0) };
     if :: take(0) :: take(1) :: skip fi;           /* skip: the limit is reached, or the page was empty */
     if
     :: more -> goto again
     :: else ->
        /* no file is added any more; with none at all, and none that waits, the seal goes */
        if
        :: view == 0 -> atomic { if :: !waits[0] && !waits[1] && seal == id && seal_etag == e -> close_seal() :: else fi }
        :: else ->
           atomic {
             if
#ifdef NO_FIX_ETAG
             :: seal == id && !fixed ->
#else
             :: seal == id && seal_etag == e ->
#endif
                fixed = true; seal_etag++; members[id] = view;
#ifndef NO_ROW_WITH_FIX
                write_row(id)
#endif
             :: else
             fi
           }
        fi;
        goto again
     fi
  :: id != 0 && fx ->
#ifdef NO_ROW_WITH_FIX
     atomic { if :: made[id] -> skip :: else -> skip fi };
     write_row(id);
     MAY_DIE;
#endif
     atomic { mask = (S(id, 0) -> 1 : 0) | (S(id, 1) -> 2 : 0) };
#ifdef NO_CLAIMS_FIRST
     if :: mask & 1 -> S(id, 0) = false :: else fi; MAY_DIE;
     if :: mask & 2 -> S(id, 1) = false :: else fi; MAY_DIE;
#endif
#ifndef NO_CLAIMS
     if :: mask & 1 -> claim[0] = true :: else fi; MAY_DIE;
     if :: mask & 2 -> claim[1] = true :: else fi; MAY_DIE;
#endif
#ifndef NO_CLAIMS_FIRST
     if :: mask & 1 -> S(id, 0) = false :: else fi; MAY_DIE;
     if :: mask & 2 -> S(id, 1) = false :: else fi; MAY_DIE;
#endif
     /* the next part at once, or nothing */
     atomic { if :: seal == id && seal_etag == e -> if :: close_seal() :: seals < SEALS - 1 && (waits[0] || waits[1]) -> open_seal() fi :: else fi };
     goto again
  fi
}
/* Whoever sends the rows of the lane, or a person who drops one. */
proctype Rows() {
  byte id;
again:
  id = 0;
end:
  if
  :: row[1] -> id = 1 :: row[2] -> id = 2 :: row[3] -> id = 3 :: row[4] -> id = 4 :: row[5] -> id = 5
  fi;
  if
  :: true ->
     atomic {
       assert(!dropped[id]);
       if
       :: !made[id] ->
          made[id] = true;
          if :: members[id] & 1 -> runs[0]++ :: else fi;
          if :: members[id] & 2 -> runs[1]++ :: else fi;
          assert(runs[0] <= 1 && runs[1] <= 1)
       :: else
       fi
     };
     MAY_DIE;
     row[id] = false
  :: !made[id] -> atomic { dropped[id] = true; row[id] = false }
  fi;
  goto again
}
#define IN_ONE(f) (runs[f] == 1 || (dropped[1] && (members[1] & (1 << f))) || (dropped[2] && (members[2] & (1 << f))) || (dropped[3] && (members[3] & (1 << f))) || (dropped[4] && (members[4] & (1 << f))) || (dropped[5] && (members[5] & (1 << f))))
proctype Watch() {
  atomic {
    told == 2 + TOLD && seal == 0 && !waits[0] && !waits[1] && !row[1] && !row[2] && !row[3] && !row[4] && !row[5] ->
    assert(IN_ONE(0) && IN_ONE(1))
  }
}
init { atomic { run Live(0); run Live(1); run Drain(); run Drain(); run Rows(); run Watch() } }
