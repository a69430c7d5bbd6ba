"""Everyday sentences from a small grammar: questions, commands, dates, numbers, names and spelled words."""

from __future__ import annotations

import random
import re

from authoring.pretrain.speech_text import number, ordinal, year

_GRAMMAR = {
    "start": (
        "{question}|{question}|{command}|{command}|{telling}|{telling}|{telling}|{date}|{date}|{counting}|{counting}|"
        "{digits}|{spelling}|{greeting}|{short}|{short}|{word}"
    ),
    "question": (
        "what time does the {place} {open} on {day}|where can i find the {thing}|how much is the {adjective} {thing}|"
        "did {name} really {do} the {thing}|who {did} my {thing} this {part}|why is the {thing} so {adjective}|"
        "could you {do} the {thing} before {hour}|when will {name} be back from {city}|is there a {place} near the "
        "{place}|how many {things} do we need for {count} {people}|which {thing} belongs to {name}|have you ever been "
        "to {city}|shall we meet at the {place} {when}|what did {name} say about the {things}|are the {things} still "
        "in the {room}|do you want your {food} with {food}|how far is it from {city} to {city}|would you like "
        "{count} or {count} {things}|does {name} know that the {thing} is {adjective}|can we {do} it again {when}"
    ),
    "command": (
        "please {do} the {thing}|turn {onoff} the {device} in the {room}|set the {device} to {count}|call {name} at "
        "{hour}|remind me to {do} the {thing} {when}|play something {adjective} in the {room}|add {food} and {food} to "
        "the list|don't {do} the {thing} until {name} comes back|wake me up at {hour}|send the {things} to {name} in "
        "{city}|put the {thing} next to the {thing}|tell {name} that the {thing} has been {done}|show me the way to "
        "the {place}|take the {ordinal} street on the {side}|write this down and {do} it {when}|let's {do} the "
        "{adjective} {things} first|bring me {count} {things} and a {thing}|never {do} a {thing} you can't afford|"
        "keep the {adjective} {thing} away from the {room}|wait for {name} outside the {place}"
    ),
    "telling": (
        "{name} {did} the {adjective} {thing} {when}|my {relative} lives in {city} with {count} {people}|the {thing} "
        "was {done} by {name}|we walked from the {place} to the {place}|it was {adjective} and {adjective} all "
        "{part}|i think the {things} are too {adjective} for the {room}|there are {count} {things} on the {thing}|"
        "{name} and {name} {did} the {thing} together|she has never {done} a {thing} so {adjective}|they're going to "
        "{do} the {place} {when}|he didn't {do} his {thing} because it was {adjective}|nobody in {city} had {done} "
        "the {things}|after the {food} we {did} the {thing} in the {room}|if it's {adjective} {when} we'll {do} the "
        "{things}|the {adjective} {relative} of {name} works at the {place}|i'm sorry that i {did} your {adjective} "
        "{thing}|it takes {count} minutes to {do} the {thing}|the train from {city} arrives at {hour}|you should {do} "
        "the {thing} with {food} and {food}|her {relative} speaks about {city} very {adverb}|the {place} will {open} "
        "{adverb} {when}|most {people} {do} their {things} in the {part}"
    ),
    "date": (
        "on {day} the {ordinal} of {month}|{month} the {ordinal} {year}|it happened in {month} {year}|the {ordinal} of "
        "{month} is a {day}|between {year} and {year} the {place} was {done}|{name} was born in {year} in {city}|see "
        "you on {day} at {hour}|from {day} to {day} the {place} is closed|the meeting is on {month} {ordinal}"
    ),
    "counting": (
        "{big}|{big} {people}|{count} point {digit} {digit}|{count} plus {count} is {big}|about {count} percent of the "
        "{people}|{name} paid {count} dollars and {count} cents|the {thing} weighs {count} pounds|{count} metres long "
        "and {count} metres wide|{count} {things}|minus {count} degrees in {city}|the {ordinal} {thing}|half of "
        "{big}|a quarter past {clock}|twenty to {clock}|page {big}|room {count}|chapter {count}"
    ),
    "digits": (
        "{digit}|{digit} {digit}|{digit} {digit} {digit}|{digit} {digit} {digit} {digit} {digit}|my number is {digit} "
        "{digit} {digit} {digit} {digit} {digit} {digit}|the code is {digit} {digit} {digit} {digit}|call {digit} "
        "{digit} {digit} {digit} {digit} {digit}|{digit} {digit} {digit} {digit} {digit} {digit} {digit} {digit}"
    ),
    "spelling": (
        "{letter} {letter} {letter}|{letter} {letter} {letter} {letter} {letter}|that is spelled {letter} {letter} "
        "{letter} {letter}|{letter} as in {word}|flight {letter} {letter} {digit} {digit} {digit}|the letters "
        "{letter} {letter} and {letter}|{name} with a {letter}"
    ),
    "greeting": (
        "good {part} {name}|hello {name} how are you|thank you very much {name}|goodbye and see you {when}|nice to "
        "meet you {name}|yes please|no thank you|i don't know|of course|excuse me|you're welcome|that's right|i'm "
        "afraid not|what a {adjective} {thing}|well done {name}|not at all|just a moment please"
    ),
    "short": (
        "{adjective} {things}|the {thing}|{name}|{city}|{day}|{month}|{count}|{food} and {food}|{do} it|{adverb}|"
        "{done} and {done}|the {adjective} {place}|{hour}|in the {room}|{when}|my {relative}"
    ),
    "word": "{thing}|{things}|{adjective}|{food}|{do}|{done}|{did}|{adverb}|{place}|{room}|{device}|{relative}",
    "name": (
        "anna|peter|maria|john|sarah|david|emma|thomas|julia|michael|laura|robert|helen|daniel|rachel|george|alice|"
        "henry|grace|samuel|olivia|jack|sophie|martin|nora|oscar|clara|victor|ruth|simon|mister brown|missus taylor|"
        "mister wilson|doctor evans|professor clark|miss walker|uncle joe|aunt kate|ahmed|fatima|wei|yuki|carlos|"
        "ingrid|ivan|priya|kwame|leila|stefan|chloe"
    ),
    "city": (
        "london|paris|new york|berlin|madrid|rome|chicago|boston|sydney|toronto|dublin|glasgow|vienna|athens|cairo|"
        "nairobi|mumbai|tokyo|beijing|moscow|warsaw|lisbon|oslo|stockholm|amsterdam|brussels|houston|denver|seattle|"
        "bristol|oxford|liverpool|cape town|lima|istanbul"
    ),
    "day": "monday|tuesday|wednesday|thursday|friday|saturday|sunday",
    "month": "january|february|march|april|may|june|july|august|september|october|november|december",
    "part": "morning|afternoon|evening|night",
    "when": (
        "today|tomorrow|tonight|yesterday|this {part}|next {day}|last {day}|in {count} days|in a few minutes|after "
        "lunch|before breakfast|as soon as possible|once a week|every {day}|at {hour}|on {day} {part}|later"
    ),
    "clock": "one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve",
    "hour": (
        "{clock} o'clock|half past {clock}|quarter to {clock}|{clock} thirty|{clock} fifteen|{clock} a m|{clock} p m|"
        "noon|midnight|ten past {clock}"
    ),
    "place": (
        "station|museum|library|market|bakery|school|airport|theatre|church|hotel|bridge|harbour|office|park|bank|"
        "stadium|castle|village|factory|garden centre|post office|beach|forest|university|restaurant|swimming pool"
    ),
    "room": "kitchen|living room|bedroom|bathroom|garden|garage|hall|cellar|attic|classroom|waiting room|corner",
    "open": "open|close|start|finish|move|change",
    "thing": (
        "book|key|window|door|letter|chair|table|bicycle|phone|camera|umbrella|picture|jacket|suitcase|ladder|"
        "guitar|knife|basket|mirror|blanket|ticket|boat|engine|clock|carpet|bottle|hammer|newspaper|painting|"
        "necklace|shoe|wheel|box|bird|horse|dog|cat|fish|tree|flower|river|mountain|stone|fire|song|story|question|"
        "answer|judge|vision|treasure|machine|journey|voice|village|shoulder|thumb|bridge|earth|weather|feather"
    ),
    "things": (
        "books|keys|windows|letters|chairs|photographs|bicycles|tickets|apples|shoes|questions|pictures|boxes|"
        "glasses|flowers|stories|horses|children's toys|wheels|stamps|candles|jackets|songs|buttons|cups|plates|"
        "branches|leaves|stones|numbers|machines|watches|brushes|puzzles|messages|mistakes|wishes|teeth|sheep"
    ),
    "people": "people|children|students|visitors|workers|friends|guests|players|women|men|neighbours|soldiers|voters",
    "relative": "mother|father|sister|brother|uncle|aunt|cousin|grandmother|grandfather|daughter|son|wife|husband",
    "food": (
        "bread|butter|cheese|soup|rice|fish|chicken|coffee|tea|milk|orange juice|sugar|salt|pepper|tomatoes|"
        "potatoes|onions|chocolate|ice cream|cake|honey|eggs|beans|water|lemon|ginger|yoghurt|vegetables"
    ),
    "adjective": (
        "small|large|old|new|young|cold|warm|heavy|light|quiet|loud|bright|dark|cheap|expensive|beautiful|strange|"
        "famous|empty|full|broken|clean|dirty|wooden|yellow|green|purple|red|blue|white|grey|narrow|wide|round|"
        "sharp|soft|rough|smooth|easy|difficult|dangerous|wonderful|terrible|ordinary|foreign|ancient|honest|huge|"
        "yesterday's|usual|pleasant|early|late|sweet|thirsty|healthy|weird|rare"
    ),
    "adverb": "slowly|quickly|often|rarely|quietly|carefully|suddenly|usually|almost|perhaps|early|together|always",
    "do": (
        "open|close|find|buy|sell|clean|paint|carry|read|write|draw|fix|break|lift|cut|wash|follow|watch|choose|"
        "forget|bring|move|measure|describe|collect|throw|push|pull|hide|lose|check|change|think about|look for|"
        "listen to|ask for|exchange|examine|judge|use|join|enjoy|teach|catch|visit|shake|squeeze"
    ),
    "did": (
        "opened|closed|found|bought|sold|cleaned|painted|carried|read|wrote|drew|fixed|broke|lifted|washed|followed|"
        "watched|chose|forgot|brought|moved|measured|described|threw|pushed|pulled|lost|checked|taught|caught|visited|"
        "thought about|looked for|squeezed|judged|used|joined|enjoyed|shook"
    ),
    "done": (
        "opened|closed|found|bought|sold|cleaned|painted|carried|written|drawn|fixed|broken|lifted|washed|followed|"
        "chosen|forgotten|brought|moved|measured|described|thrown|pushed|pulled|lost|checked|stolen|eaten|built|"
        "taught|caught|judged|used|shaken|finished|known"
    ),
    "onoff": "on|off|up|down",
    "side": "left|right",
    "device": "light|radio|heating|television|alarm|fan|lamp|music|volume|thermostat|oven|speaker",
    "letter": "|".join("abcdefghijklmnopqrstuvwxyz"),
    "digit": "zero|one|two|three|four|five|six|seven|eight|nine|oh",
}


def phrase(rng: random.Random) -> str:
    """Draw one sentence; the generator decides which.

    >>> phrase(random.Random(4)) == phrase(random.Random(4))
    True
    """
    return _fill("start", rng)


def _fill(slot: str, rng: random.Random) -> str:
    if slot == "count":
        return number(rng.randint(2, 20) if rng.random() < 0.5 else rng.randint(2, 99))
    if slot == "big":
        return number(round(10 ** rng.uniform(1, 6)))
    if slot == "ordinal":
        return ordinal(rng.randint(1, 31))
    if slot == "year":
        return year(rng.randint(1100, 2029))
    template = rng.choice(_GRAMMAR[slot].split("|"))
    return re.sub(r"{(\w+)}", lambda found: _fill(found[1], rng), template)
