"""Lines of a TOML text, also where a plain search would be fooled."""

from shared.routes.lines import line_numbers, line_of

TOML = '''\
# [[route]] in a comment
complete.hidden = false # top = 1

[[route]]
name = "a" # ]]
conf = { x = """
[[route]]
name = 1
""", y = 1 }
dag_ids = [
  "[[route]]",
  # name = 2
  'x',
]

[route.conf2]
"quoted.key" = 1
'literal' = \'\'\'
[route]
\'\'\'
[route.conf2.deep]
z = 1

  [[ route ]]
  a.b.c = "\\"[[route]]"
'''


def test_every_place_has_its_line() -> None:
    """Headers and keys, plain and dotted; nothing from comments, texts, arrays and inline tables."""
    route = ("route", 0)

    assert line_numbers(TOML) == {
        ("complete",): 2,
        ("complete", "hidden"): 2,
        route: 4,
        (*route, "name"): 5,
        (*route, "conf"): 6,
        (*route, "dag_ids"): 10,
        (*route, "conf2"): 16,
        (*route, "conf2", "quoted.key"): 17,
        (*route, "conf2", "literal"): 18,
        (*route, "conf2", "deep"): 21,
        (*route, "conf2", "deep", "z"): 22,
        ("route", 1): 24,
        ("route", 1, "a"): 25,
        ("route", 1, "a", "b"): 25,
        ("route", 1, "a", "b", "c"): 25,
    }


def test_place_without_a_line_has_that_of_its_surroundings() -> None:
    """A key that is missing is a fault of its route."""
    lines = line_numbers(TOML)

    assert [line_of(lines, place) for place in [("route", 0, "x"), ("route", 0, "conf", "y"), ("z",)]] == [
        4,
        6,
        1,
    ]
