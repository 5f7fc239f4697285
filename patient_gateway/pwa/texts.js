const TEXTS = {
  en: {
    title: "Home blood pressure", other: "中文",
    home: "Today", measure: "Measure", symptoms: "Symptoms", more: "More",
    offline: "No connection. What you enter is kept and sent later.",
    enrol: "Connect this phone", code: "Code from your clinic", connect: "Connect",
    consentTitle: "Your consent", consentText: "Nothing is collected or advised without it. You can take it back at any time under More.",
    monitoring: "My readings, doses and symptoms may be collected and seen by my care team.",
    titration: "I may be offered small dose steps that my clinician has signed.",
    research: "My data may help to improve the system.", save: "Save",
    medicines: "Medicines", noMedicines: "No medicines are on record.", tablets: "tablets",
    tabletsOf: "of", morning: "morning", evening: "evening", paused: "Paused", taken: "Taken", notTaken: "Not taken",
    advice: "A step is offered", from: "from", to: "to", stop: "stop",
    readBack: "To accept, tick what you will do:", accept: "I accept", decline: "I decline",
    answered: "Your answer was sent.", nextVisit: "Next visit", asked: "What we ask of you",
    halted: "Recommendations are stopped.",
    rest: "Sit and rest for 5 minutes. Take two readings, one minute apart.",
    first: "First reading", second: "Second reading", systolic: "Upper (SYS)", diastolic: "Lower (DIA)", pulse: "Pulse",
    saveReading: "Save reading", waitMinute: "Second reading in", seconds: "seconds",
    stored: "Saved. Thank you.", queued: "Kept on this phone; it will be sent when there is a connection.",
    check: "Check the numbers.", symptomsTitle: "How do you feel?", redFlags: "If you have any of these now, call at once:",
    call: "Call", otherSymptoms: "Other symptoms", report: "Report",
    chest_pain: "Chest pain", breathlessness: "Short of breath", weakness_or_speech: "Weak arm or face, trouble speaking",
    severe_headache: "Very bad headache", vision_loss: "Loss of vision", confusion: "Confusion",
    face_swelling: "Swelling of face or tongue", syncope: "Fainted", dizziness: "Dizzy", fall: "Had a fall",
    palpitations: "Heart races or stumbles", vomiting_or_diarrhoea: "Vomiting or diarrhoea", cough: "Dry cough",
    ankle_swelling: "Swollen ankles", fatigue: "Very tired",
    messages: "Messages", write: "Write to your care team", sendMessage: "Send", goals: "Goals", agree: "Agree", noAgree: "Decline",
    stopAll: "Stop all recommendations", resume: "Resume recommendations", logout: "Log out and delete data on this phone",
    failed: "That did not work. Please try again.", waitingUploads: "Waiting to be sent:",
    notEmergency: "Messages are not read at once. In an emergency call",
  },
  "zh-CN": {
    title: "家庭血压", other: "English",
    home: "今天", measure: "测量", symptoms: "症状", more: "更多",
    offline: "没有网络。您输入的内容会保存，稍后发送。",
    enrol: "连接此手机", code: "诊所提供的登记码", connect: "连接",
    consentTitle: "您的同意", consentText: "未经同意，不会收集数据或给出建议。您可随时在“更多”中撤回。",
    monitoring: "同意收集我的血压、服药和症状，并由我的医护团队查看。",
    titration: "同意接收医生已签署的小幅剂量调整建议。",
    research: "同意将我的数据用于改进本系统。", save: "保存",
    medicines: "药物", noMedicines: "没有药物记录。", tablets: "片",
    tabletsOf: "每片", morning: "早上", evening: "晚上", paused: "已暂停", taken: "已服用", notTaken: "未服用",
    advice: "有一项剂量调整建议", from: "从", to: "到", stop: "停药",
    readBack: "如接受，请勾选您将要做的事：", accept: "我接受", decline: "我拒绝",
    answered: "您的答复已发送。", nextVisit: "下次就诊", asked: "请您完成",
    halted: "建议已停止。",
    rest: "请静坐休息 5 分钟。测量两次，间隔一分钟。",
    first: "第一次", second: "第二次", systolic: "高压", diastolic: "低压", pulse: "脉搏",
    saveReading: "保存读数", waitMinute: "距第二次测量", seconds: "秒",
    stored: "已保存，谢谢。", queued: "已保存在此手机，联网后发送。",
    check: "请检查数值。", symptomsTitle: "您感觉如何？", redFlags: "如果现在有以下任何一种情况，请立即拨打：",
    call: "拨打", otherSymptoms: "其他症状", report: "报告",
    chest_pain: "胸痛", breathlessness: "呼吸困难", weakness_or_speech: "手臂或面部无力、说话困难",
    severe_headache: "剧烈头痛", vision_loss: "视力丧失", confusion: "意识混乱",
    face_swelling: "面部或舌头肿胀", syncope: "晕倒", dizziness: "头晕", fall: "跌倒",
    palpitations: "心慌或心跳不齐", vomiting_or_diarrhoea: "呕吐或腹泻", cough: "干咳",
    ankle_swelling: "脚踝肿胀", fatigue: "非常疲倦",
    messages: "消息", write: "写给您的医护团队", sendMessage: "发送", goals: "目标", agree: "同意", noAgree: "拒绝",
    stopAll: "停止所有建议", resume: "恢复建议", logout: "退出并删除此手机上的数据",
    failed: "操作未成功，请重试。", waitingUploads: "等待发送：",
    notEmergency: "消息不会立即阅读。紧急情况请拨打",
  },
};

let chosen = localStorage.getItem("language")
  ?? (navigator.language.toLowerCase().startsWith("zh") ? "zh-CN" : "en");

export const language = () => chosen;
export const t = (name) => TEXTS[chosen][name] ?? name;
export function switchLanguage() {
  chosen = chosen === "en" ? "zh-CN" : "en";
  localStorage.setItem("language", chosen);
}
