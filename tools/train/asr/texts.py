# SPDX-License-Identifier: LGPL-2.1-or-later
"""The little language the model hears: word lists and sentence templates.

Everything said in training, in the tests and in the sample recordings comes
from here, so the list of words is complete (words.txt is made from it).
"""
import random
import re

LISTS = {
    "city": "london dublin glasgow paris madrid lisbon berlin vienna prague "
            "warsaw helsinki oslo athens cairo chicago boston",
    "name": "anna martin clara david emma lucas nora oscar sophie victor",
    "day": "monday tuesday wednesday thursday friday saturday sunday",
    "month": "january february march april may june july august september "
             "october november december",
    "small": "one two three four five six seven eight nine ten eleven twelve",
    "teen": "thirteen fourteen fifteen sixteen seventeen eighteen nineteen",
    "tens": "twenty thirty forty fifty sixty seventy eighty ninety",
    "digit": "zero one two three four five six seven eight nine",
    "sky": "sunny cloudy rainy windy foggy stormy clear dry cold warm",
    "strength": "light strong gentle heavy",
    "quarter": "north south east west",
    "part": "morning afternoon evening",
    "device": "lamp radio heater camera fan oven computer printer screen music",
    "room": "kitchen bedroom bathroom garden office garage hall library",
    "place": "station airport bridge river market school museum harbour",
    "ride": "train bus ferry plane taxi",
    "object": "letter parcel ticket key picture coat basket bottle map lamp",
    "colour": "red green blue yellow black white orange silver",
    "animal": "dog cat horse bird rabbit sheep tiger bear",
    "deed": "sleeps waits runs walks plays",
    "where": "under behind near beside above",
    "looks": "small large old young quiet hungry clever lazy",
    "food": "bread cheese soup coffee sugar apples rice butter milk tea",
    "kin": "brother sister mother father friend",
    "unit": "seconds minutes hours",
    "course": "left right",
    "speed": "slowly quickly",
}
LISTS = {k: v.split() for k, v in LISTS.items()}

TEMPLATES = """
the weather in {city} is {sky} this {part}
tomorrow will be {sky} and {sky} in {city}
expect {strength} rain in {city} on {day} {part}
a {strength} wind from the {quarter} brings snow to {city}
the temperature in {city} is {number} degrees
good {part} and welcome to the {city} weather report
the sun will return on {day} after a {sky} {part}
the {ride} to {city} leaves at {small} {number} from platform {small}
the next {ride} from {city} arrives in {number} minutes
the {ride} from {city} to {city} is {number} minutes late
there is no {ride} to the {place} on {day}
set a timer for {number} {unit}
stop the timer and start again after {number} {unit}
wake me at {small} {number} on {day} {part}
turn on the {device} in the {room}
turn off the {device} in the {room}
please open the {room} window and close the door
is the {device} in the {room} on or off
send the {object} to {name} before {day}
{name} has lost a {colour} {object} near the {place}
call {name} on {digit} {digit} {digit} {digit} {digit}
my {kin} {name} lives in {city} with a {looks} {animal}
{name} and {name} will meet at the {place} on {day}
the meeting on {month} {number} begins at {small} in the {part}
my {kin} was born in {month} nineteen {tens} {small}
the {looks} {animal} {deed} {where} the {colour} {object}
a {colour} {animal} {deed} {where} the {place} every {part}
there are {number} {colour} {animal} pictures in the {room}
we need {small} bottles of {food} and some {food}
please buy {food} and {food} at the {place}
walk {number} meters and turn {course} at the {place}
drive {speed} to the {place} and then go {quarter}
how far is the {place} from the {room}
what time is it in {city}
how many {unit} until the {ride} leaves
record the next {number} {unit} and then stop
play some {looks} music in the {room}
the answer is {number} hundred and {number}
this is {name} with the {part} news from {city}
"""
TEMPLATES = [t for t in TEMPLATES.strip().split("\n")]

# Said alone these cannot be told from "two" and "four", so they are spoken
# only inside sentences.
ONLY_IN_SENTENCES = {"to", "for"}


def _number(rng):
    kind = rng.random()
    if kind < 0.4:
        return rng.choice(LISTS["small"])
    if kind < 0.6:
        return rng.choice(LISTS["teen"])
    tens = rng.choice(LISTS["tens"])
    return tens if kind < 0.7 else f"{tens} {rng.choice(LISTS['small'][:9])}"


def sentence(rng, template=None):
    """One sentence, lower case, words separated by single spaces."""
    template = template or rng.choice(TEMPLATES)
    fill = lambda m: (_number(rng) if m[1] == "number"
                      else rng.choice(LISTS[m[1]]))
    return re.sub(r"\{(\w+)\}", fill, template)


def words():
    """Every word of the language, sorted."""
    plain = " ".join(re.sub(r"\{\w+\}", "", t) for t in TEMPLATES).split()
    return sorted(set(plain).union(*LISTS.values()))


def corpus(seed=1, n_train=14000, n_held=400, n_random=10000, n_single=6):
    """(training texts, held-out sentences): no held-out sentence is trained."""
    rng = random.Random(seed)
    seen = {}
    while len(seen) < n_train + n_held:
        seen[sentence(rng)] = True
    sentences = list(seen)
    # Sentences of short templates run out of variety, so the held-out ones
    # are taken evenly from all of them by a shuffle, not from the last made.
    rng.shuffle(sentences)
    held, train = sentences[:n_held], sentences[n_held:]
    loose = [w for w in words() if w not in ONLY_IN_SENTENCES]
    taken = set(held)
    while n_random:
        text = " ".join(rng.choice(loose) for _ in range(rng.randint(2, 6)))
        if text not in taken:
            train.append(text)
            n_random -= 1
    train += loose * n_single
    rng.shuffle(train)
    return train, held


if __name__ == "__main__":
    print("\n".join(w.upper() for w in words()))
