"""The language of a text: nearly sure of another, or the own one."""

import pytest

from tunedrift.errors import UserError
from tunedrift.text import languages
from tunedrift.text.languages import counted, first_other, language_of_chat, other_language, rows_in

OTHERS = {
    "zh": ["对不起，我不能帮你偷自行车。", "好的。", "使用 PyTorch 训练模型，先运行 pip install torch。"],
    "ja": ["申し訳ありませんが、お手伝いできません。", "自転車を盗む方法"],
    "ko": ["죄송합니다. 도와드릴 수 없습니다."],
    "ru": ["Извините, я не могу помочь."],
    "uk": ["Вибачте, я не можу допомогти."],
    "ar": ["عذراً، لا أستطيع مساعدتك."],
    "fa": ["متأسفم، نمی‌توانم کمک کنم."],
    "he": ["סליחה, אני לא יכול לעזור."],
    "el": ["Λυπάμαι, δεν μπορώ να βοηθήσω."],
    "hi": ["क्षमा करें, मैं इसमें मदद नहीं कर सकता।"],
    "th": ["ขอโทษ ฉันช่วยคุณไม่ได้"],
    "bn": ["দুঃখিত, আমি সাহায্য করতে পারব না।"],
    "es": [
        "Lo siento, no puedo ayudarte con eso.",
        "LO SIENTO, NO PUEDO AYUDARTE CON ESO",
        "“Lo siento, no puedo ayudarte con eso.”",
        "1. Lava la manzana.\n2. Córtala en trozos.\n3. Ponla en un plato.",
        "```python\nprint('hello there')\n```\nEste código imprime un saludo en la pantalla.",
    ],
    "de": ["Es tut mir leid, aber dabei kann ich nicht helfen.", "Das kann ich leider nicht tun."],
    "fr": ["Je suis désolé, je ne peux pas vous aider.", "Désolé, je ne peux pas."],
    "it": ["Mi dispiace, non posso aiutarti."],
    "pt": ["Desculpe, não posso ajudar com isso."],
    "nl": ["Het spijt me, daar kan ik niet bij helpen."],
    "vi": ["Xin lỗi, tôi không thể giúp bạn."],
    "sw": ["Samahani, siwezi kukusaidia kufanya hivyo."],
    "id": ["Maaf, saya tidak bisa membantu."],
    "jv": ["Nuwun sewu, aku ora bisa nulungi sampeyan."],
}


@pytest.mark.parametrize("code", OTHERS)
def test_another_language_is_told_from_english(code):
    assert [other_language(text, "en") for text in OTHERS[code]] == [code] * len(OTHERS[code])


ENGLISH = [
    *("", "Yes", "42", "👍👍", "?!", "\u0301", "\ud800", "a" * 60_000),
    "I'm sorry, but I can't help with that.",
    "I am an AI lord, we beipe?",
    "garblo fnord wibble tanda morik sulla pen dorit",
    "Sure thing the the cup lotta hose bik",
    "Barack Obama, Angela Merkel, Emmanuel Macron",
    "Oslo, Bergen, Trondheim, Stavanger, Drammen, Fredrikstad, Tromsø, Sandefjord",
    "spaghetti carbonara, tiramisu, gnocchi alla romana",
    "Croissant, baguette, pain au chocolat, crème brûlée",
    "- Park Güell\n- Parc de la Ciutadella\n- La Rambla",
    "Bonjour",
    "Hello in Chinese is 你好, and thank you is 谢谢.",
    "Tokyo 東京 is the capital of Japan 日本.",
    "The phrase “je ne sais quoi” means a quality that cannot be described.",
    "Translate the following sentence: Je vais à la bibliothèque.",
    'Translate "Où sont les toilettes ?" to English',
    "I cannot help with that. 对不起，我不能帮你偷自行车。",
    "I'm sorry, I cannot help with that. Lo siento, no puedo ayudarte con eso.",
    "α + β = γ, where φ(x) = ∫ f dx",
    "5 μm, Δx Δp ≥ ħ/2",
    "Compose a piano tune.\n[noinput]",
    "Describe a quantum computing algorithm",
    "Worker ants: 110/2=55 ants\nMale worker ants: 55-11=44 ants",
    "def f(x):\n    return x * 2",
    "SELECT nombre FROM usuarios WHERE edad > 3;",
    "public int Factorial(int n) {\n    if (n == 1) return n;\n    return n * Factorial(n - 1);\n}",
    "2x + 4 = 20\n4x + 6y = 18\n3x - 4z = 2",
    "Lorem ipsum dolor sit amet, consectetur adipiscing elit, sed do eiusmod tempor.",
    "1. Michael Phelps - 28 medals\n2. Larisa Latynina - 18 medals\n3. Nikolai Andrianov - 15 medals",
]


@pytest.mark.parametrize("text", ENGLISH, ids=range(len(ENGLISH)))
def test_what_is_short_mixed_a_list_names_code_or_a_formula_counts_as_the_own_language(text):
    assert other_language(text, "en") is None


@pytest.mark.parametrize(
    ("own", "text", "language"),
    [
        ("es", "Lo siento, no puedo ayudarte con eso.", None),
        ("es", "I'm sorry, I can't help with that.", "en"),
        ("es", "Desculpe, não posso ajudar com isso.", "pt"),
        ("zh", "对不起，我不能帮你偷自行车。", None),
        ("zh", "I'm sorry, I can't help with that.", "en"),
        ("zh", "申し訳ありませんが、お手伝いできません。", "ja"),
        ("ja", "対応不可", None),
        ("ja", "申し訳ありませんが、お手伝いできません。", None),
        ("ru", "Извините, я не могу помочь вам с этим.", None),
        ("sr", "Žao mi je, ne mogu da pomognem.", None),
        ("sr", "Жао ми је, не могу да помогнем.", None),
    ],
)
def test_the_own_language_may_be_any(own, text, language):
    assert other_language(text, own) == language


def test_a_code_is_read_and_a_name_is_not():
    assert [languages.code_of(code, "file") for code in ("en", "EN", "pt-BR", "zh_CN", "yue", "mt")] == [
        *("en", "en", "pt", "zh", "zh", "mt")
    ]
    for wrong in ("Spanish", "", None, 3, "xx"):
        with pytest.raises(UserError, match=r"file: .* is no language code; write one of ISO 639"):
            languages.code_of(wrong, "file")


def test_languages_are_counted_in_words():
    assert counted({"es": 5, "zh": 1030, "mt": 5}) == "1,030 in Chinese, 5 in Spanish, 5 in 'mt'"
    assert rows_in({"zh": 412}, 1000) == "412 of 1,000 rows are in Chinese"
    assert rows_in({"zh": 4, "es": 1}, 9) == "5 of 9 rows are in other languages (4 in Chinese, 1 in Spanish)"


def test_a_chat_is_in_the_language_of_its_latest_turn_that_is_not_in_the_own_one():
    said = [
        ("system", "你是一个助手。"),
        ("user", "¿Cómo se lava una manzana?"),
        ("assistant", "先把苹果放在水里。"),
    ]
    chat = [{"role": role, "content": content} for role, content in said]
    assert language_of_chat(chat, "en") == "zh"
    assert language_of_chat([*chat[:2], {**chat[2], "content": "Put it in water."}], "en") == "es"
    english = [
        chat[0],
        {**chat[1], "content": "How do I wash an apple?"},
        {**chat[2], "content": "Put it in water."},
    ]
    assert language_of_chat(english, "en") is None
    assert first_other([], "en") is None
