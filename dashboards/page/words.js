// Every text of the page, in the languages of the control room. A missing one is an error of the tests.

import { setLocale } from "./figures.js";

const WORDS = {
  system: ["Жүйе", "Система", "System"],
  zones: ["Аймақтар", "Зоны", "Zones"],
  units: ["Назар аударарлық бірліктер", "На что посмотреть", "What needs a look"],
  alarms: ["Дабылдар", "Сигналы", "Alarms"],
  silent: ["Үнсіз құрылғылар", "Молчащие устройства", "Silent devices"],
  generation: ["Генерация", "Генерация", "Generation"],
  consumption: ["Тұтыну", "Потребление", "Consumption"],
  interchange: ["Сальдо (экспорт +)", "Сальдо (экспорт +)", "Net export"],
  imbalance: ["Теңгерімсіздік", "Небаланс", "Imbalance"],
  deficit: ["тапшылық", "дефицит", "deficit"],
  surplus: ["артықшылық", "избыток", "surplus"],
  plan: ["жоспар", "план", "plan"],
  fact: ["факт", "факт", "fact"],
  deviation: ["ауытқу", "отклон.", "deviation"],
  hour: ["сағат", "час", "hour"],
  MW: ["МВт", "МВт", "MW"],
  MWh: ["МВт·сағ", "МВт·ч", "MWh"],
  sense: ["бағыты", "знак", "sense"],
  data: ["деректер", "данные", "data"],
  interval: ["интервал {0}–{1}", "интервал {0}–{1}", "interval {0}–{1}"],
  no_interval: ["жабық интервал жоқ", "нет закрытого интервала", "no closed interval yet"],
  complete: ["деректер {0}", "данные {0}", "data {0}"],
  zone: ["Аймақ", "Зона", "Zone"],
  start: ["басы", "начало", "start"],
  unit: ["Бірлік", "Единица", "Unit"],
  day_of: ["{0}: тәулік {1}", "{0}: сутки {1}", "{0}: day of {1}"],
  live: ["Нақты уақытта", "В реальном времени", "Live"],
  replaying: ["Қайта ойнату ×{0}", "Воспроизведение ×{0}", "Replaying ×{0}"],
  stale: ["ЕСКІРГЕН: деректер уақыты {0} тоқтап тұр", "УСТАРЕЛО: время данных стоит {0}", "STALE: the data's time has stood still for {0}"],
  disconnected: ["БАЙЛАНЫС ЖОҚ: {0} бұрынғы көрініс", "НЕТ СВЯЗИ: показано состояние {0} назад", "DISCONNECTED: shown is the state of {0} ago"],
  no_database: ["ДЕРЕКҚОР ЖАУАП БЕРМЕЙДІ", "БАЗА ДАННЫХ НЕ ОТВЕЧАЕТ", "THE DATABASE DOES NOT ANSWER"],
  no_redis: ["Redis жоқ: көрініс баяуырақ", "Нет Redis: обновление медленнее", "Redis is away: updates are slower"],
  waiting: ["Деректер күтілуде", "Ожидание данных", "Waiting for data"],
  dark: ["Қараңғы", "Тёмная", "Dark"],
  light: ["Жарық", "Светлая", "Light"],
  ack: ["Қабылдау", "Квитировать", "Acknowledge"],
  reset: ["Тастау", "Сбросить", "Reset"],
  shelve: ["Уақытша алу", "Отложить", "Shelve"],
  unshelve: ["Қайтару", "Вернуть", "Unshelve"],
  comment: ["Түсініктеме", "Комментарий", "Comment"],
  reason: ["Себебі", "Причина", "Reason"],
  minutes: ["Минут", "Минут", "Minutes"],
  who: ["Кім", "Кто", "Who"],
  log_out: ["Шығу", "Выйти", "Log out"],
  log_in: ["Кіру", "Войти", "Log in"],
  viewer: ["бақылаушы", "наблюдатель", "viewer"],
  operator: ["оператор", "оператор", "operator"],
  engineer: ["инженер", "инженер", "engineer"],
  admin: ["әкімші", "администратор", "administrator"],
  load_of: ["Энергия жүйесінің тұтынуы: {0}", "Потребление энергосистемы: {0}", "The power system's load: {0}"],
  load_says: ["Тәуліктік кесте және әр 15 минуттың нақты тұтынуы, МВт, Алматы уақыты", "Суточный график и фактическое потребление за каждые 15 минут, МВт, время Алматы", "The daily schedule and the actual load of every 15 minutes, MW, Almaty time"],
  login_refused: ["Кіруге рұқсат берілмеді", "Войти не удалось: доступа нет", "You could not be logged in: there is no access"],
  login_away: ["Кіру қызметі жауап бермейді, кейінірек көріңіз", "Служба входа не отвечает, попробуйте позже", "The login service does not answer; try again later"],
  no_profile: ["Бұл тәулікте әзірге дерек жоқ", "За эти сутки данных пока нет", "No data of this day yet"],
  send: ["Жіберу", "Отправить", "Send"],
  cancel: ["Болдырмау", "Отмена", "Cancel"],
  close: ["Жабу", "Закрыть", "Close"],
  all: ["Барлығын таңдау", "Выбрать все", "Select all"],
  unanswered: ["қабылданбағаны {0}", "не квитировано {0}", "{0} unacknowledged"],
  chosen: ["{0} таңдалды", "выбрано {0}", "{0} selected"],
  suppressed: ["Басылған ({0})", "Подавлены ({0})", "Suppressed ({0})"],
  nothing: ["Әрекетті қажет ететін ештеңе жоқ", "Ничто не требует действий", "Nothing asks for a hand"],
  nobody_silent: ["Барлық құрылғылар хабар береді", "Все устройства передают", "All devices report"],
  since: ["{0} бастап", "с {0}", "since {0}"],
  healed: ["{0} толтырылды", "восполнено в {0}", "healed at {0}"],
  limit: ["шек {0}", "предел {0}", "limit {0}"],
  escalated: ["ешкім жауап бермеді", "никто не ответил вовремя", "nobody responded in time"],
  acked_by: ["қабылдаған {0}", "квитировал {0}", "acknowledged by {0}"],
  shelved_until: ["{0} дейін алынған", "отложен до {0}", "shelved until {0}"],
  over: ["шарт аяқталды", "условие снято", "condition is over"],
  high: ["жоғары", "высокий", "high"],
  medium: ["орта", "средний", "medium"],
  low: ["төмен", "низкий", "low"],
  no_answer: ["әзірге жауап жоқ", "пока без ответа", "no answer yet"],
  export: ["CSV жүктеу", "Скачать CSV", "Download CSV"],
  seconds: ["{0} с", "{0} с", "{0} s"],
  minutes_long: ["{0} мин", "{0} мин", "{0} min"],
  points: ["нүкте", "точек", "points"],
  DEV_GEN: ["Генерация жоспардан ауытқыды", "Генерация отклоняется от плана", "Generation deviates from plan"],
  DEV_CONS: ["Тұтыну жоспардан ауытқыды", "Потребление отклоняется от плана", "Consumption deviates from plan"],
  HOUR_PROJ: ["Сағат теңгерімсіз аяқталады", "Час завершится с небалансом", "The hour will end out of balance"],
  ZONE_IMB: ["Аймақ теңгерімсіз", "Зона не сбалансирована", "Zone out of balance"],
  TRIP: ["Қуаттың кенет түсуі", "Внезапная потеря мощности", "Sudden loss of power"],
  GAP_EMC: ["Есептегіш үнсіз", "Счётчик молчит", "Meter is silent"],
  GAP_DCTU: ["УСПД үнсіз", "УСПД молчит", "Device is silent"],
  GAP_ENTITY: ["Субъект үнсіз", "Субъект молчит", "Entity is silent"],
  PLAN_MISSING: ["Кесте жоқ", "Нет суточного графика", "Schedule is missing"],
  PIPELINE: ["Бақылаудың өзі ақаулы", "Неисправен сам мониторинг", "The monitoring itself is ill"],
};

const LANGUAGES = ["kk", "ru", "en"];
let place = 1;

export function language() {
  return LANGUAGES[place];
}

export function setLanguage(name) {
  place = Math.max(0, LANGUAGES.indexOf(name));
  setLocale(LANGUAGES[place]);
  document.documentElement.lang = LANGUAGES[place];
}

/** The text of a word, with {0}, {1} … filled. */
export function word(name, ...values) {
  const text = WORDS[name]?.[place] ?? name;
  return values.reduce((filled, value, i) => filled.replace(`{${i}}`, value), text);
}
